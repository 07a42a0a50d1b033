#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "collectors/ebpf/sample_abi.h"

namespace watchfire::collectors::ebpf {

/// One sample as the kernel side wrote it, checked against its length. Views are valid during the callback.
struct Sample {
  const wf_sample* header = nullptr;  ///< only its fixed part may be read
  std::span<const uint64_t> kernel;   ///< leaf first
  std::span<const uint64_t> user;     ///< leaf first
};

/// The eBPF program, loaded and attached to a timer on every CPU that is online. The only part that knows libbpf.
///
/// One thread. Rings are per CPU; what did not fit is counted by the program itself, so totals add up:
/// fired = idle + output + failed, and every output comes out of drain() once.
class BpfSampler {
 public:
  /// Loads and attaches. kPermissionDenied: rights are missing, the hint names them. kUnsupported: this kernel lacks
  /// something (BTF), or is known to freeze under such programs and `force` is not set.
  static Result<BpfSampler> create(uint32_t hz, bool force);
  BpfSampler(BpfSampler&&) noexcept;
  BpfSampler& operator=(BpfSampler&&) noexcept;
  ~BpfSampler();

  /// Readable when a ring has enough to be worth a look.
  int poll_fd() const;
  /// Gives every sample that is waiting to `take`; returns records that made no sense (0, or a defect).
  uint64_t drain(const std::function<void(const Sample&)>& take);
  /// Sums over all CPUs since the start.
  wf_counts totals() const;
  /// Stops the timers; what is in the rings stays for drain().
  void detach();
  uint32_t cpus() const;

 private:
  struct State;
  explicit BpfSampler(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Why this process cannot sample, in words for the operator: the first missing right or kernel feature, or "".
std::string missing_rights();

/// True for the kernels on which reading user memory from a timer can freeze the machine: 5.19 to 6.3 without the
/// fix of June 2023. `release` as uname prints it.
bool is_dangerous_kernel(const std::string& release);

}  // namespace watchfire::collectors::ebpf
