#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace watchfire::binaries {

struct SandboxLimits {
  size_t data_bytes = 256u << 20;
  int cpu_seconds = 2;
  DurationNs wall = 5 * kSecond;
  size_t answer_bytes = 32u << 20;
};

/// One forked child that does one piece of work on hostile bytes and can do nothing else: no new descriptors, no
/// other processes, no network; memory and CPU limited by the kernel, its wall clock by us. Whatever happens to it
/// happens to it alone.
///
/// Move-only; the parent has one thread. Destroying a running one kills it.
class SandboxedWork {
 public:
  using Work = std::function<std::vector<std::byte>()>;

  struct Outcome {
    bool done = false;        ///< `answer` is what the work returned
    std::string_view reason;  ///< otherwise why not: "memory", "cpu_time", "wall_clock", "system_call", "crash" ...
    std::vector<std::byte> answer;  ///< made in the sandbox: hostile
  };

  /// Forks. Of the parent's descriptors the child keeps only `keep`.
  static Result<SandboxedWork> start(const Work& work, int keep, const SandboxLimits& limits);
  SandboxedWork(SandboxedWork&& other) noexcept;
  SandboxedWork& operator=(SandboxedWork&& other) noexcept;
  ~SandboxedWork();

  /// For poll(): readable when advance() should be called.
  int fd() const { return pipe_.get(); }
  DurationNs deadline() const { return deadline_; }
  /// Takes what there is; the outcome once the child has ended or was ended.
  std::optional<Outcome> advance(DurationNs now);

 private:
  SandboxedWork(pid_t child, Fd pipe, DurationNs deadline, size_t answer_bytes)
      : child_(child), pipe_(std::move(pipe)), deadline_(deadline), answer_bytes_(answer_bytes) {}
  int kill_and_reap();
  Outcome judge(int status);

  pid_t child_ = -1;
  Fd pipe_;
  DurationNs deadline_ = 0;
  size_t answer_bytes_ = 0;
  std::vector<std::byte> answer_;
  bool wall_clock_ = false;
  bool too_long_ = false;
};

/// Takes from this process, for good, every system call that the parser's parent does not need: what is left is to
/// accept, receive, send, fork and wait. Refused calls fail with EPERM.
Status restrict_parent();

}  // namespace watchfire::binaries
