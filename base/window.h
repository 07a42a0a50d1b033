#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace watchfire {

/// "No such element" for the indices of a RawWindow.
inline constexpr uint32_t kNoIndex = 0xffffffff;

/// A process as the kernel identifies it: pids are reused, (pid, start, exec id) is not.
struct WindowProcess {
  uint32_t pid = 0;            ///< tgid in the host's pid namespace
  uint32_t exec_id = 0;        ///< counts exec calls along the line of parents
  int64_t start_boot_ns = 0;   ///< CLOCK_BOOTTIME at its start
  std::string comm;            ///< of the main thread
  std::string exe;             ///< base name of the executable, "" when it was gone before we looked; no " (deleted)"
  std::string cgroup;          ///< path in the unified hierarchy (or the first one with a path)
  std::string unit;            ///< systemd unit, "" when none
  std::string container_id;    ///< 64 hex digits, "" when none
  std::string pod_uid;         ///< Kubernetes pod, "" when none
  uint64_t pid_namespace = 0;  ///< inode number, 0 when unknown
  uint32_t kernel_thread = 0;  ///< 1: no user side
  uint32_t executable = kNoIndex;  ///< index into files: the main binary
};

enum class WindowFileKind : uint32_t {
  kElf = 0,        ///< addresses are the file's own virtual addresses
  kRawFile = 1,    ///< nobody could read its segments: addresses are file offsets, the id is "inode:..."
  kKernel = 2,     ///< "[kernel]" or "[kernel:MODULE]"; frames are named, addresses are kernel text addresses
  kVdso = 3,       ///< "[vdso]"; addresses from its start
  kAnonymous = 4,  ///< "[anon]": code made at run time; addresses are the process's own
  kUnknown = 5,    ///< "[unknown]": the process was gone before its mappings were read
};

struct WindowFile {
  /// Identity of the content: a build id in hex, "hash:<32 hex>" without one, or as WindowFileKind says.
  std::string id;
  std::string path;      ///< as the first process that mapped it sees it; without " (deleted)"
  std::string build_id;  ///< hex, "" when it has none or it is unknown
  WindowFileKind kind = WindowFileKind::kElf;
  uint32_t deleted = 0;  ///< 1: no longer at its path
};

struct WindowFrame {
  uint64_t address = 0;
  uint32_t file = 0;         ///< index into files
  uint32_t name = kNoIndex;  ///< index into names when the collector knew it (kernel); else symbols are to be asked for
  friend bool operator==(const WindowFrame&, const WindowFrame&) = default;
};

/// Why a user stack ends where it does.
enum class StackEnd : uint8_t {
  kNoUserStack = 0,      ///< kernel thread, or a process that is exiting
  kEndOfChain = 1,       ///< the chain of frame pointers ended as it should: the stack is whole
  kBadFramePointer = 2,  ///< the chain ran into something else: code without frame pointers, frames are missing
  kFault = 3,            ///< the memory was not readable just then
  kDepth = 4,            ///< deeper than the limit of 127 frames: the outer frames are missing
  kUnsupportedCode = 5,  ///< 32-bit code: only the address it stood at
};
std::string_view stack_end_name(StackEnd end);

/// Equal samples within the window, added up.
struct WindowSample {
  uint32_t process = 0;
  uint32_t tid = 0;
  uint32_t thread_name = kNoIndex;  ///< index into names
  uint32_t stack = 0;               ///< index as for RawWindow::stack()
  uint32_t count = 0;               ///< how often it was seen
  StackEnd end = StackEnd::kNoUserStack;
  uint8_t reserved[3] = {};
  int64_t weight_ns = 0;  ///< CPU time these samples stand for
};
static_assert(sizeof(WindowSample) == 32);

/// What one collector saw in one window of about 10 s: the message collector -> daemon.
///
/// Windows of one collector tile its life: [start, end) follow each other without gaps and end on UTC multiples of
/// 10 s, except for the first, the last, and where the wall clock stepped. Every time a timer was due is in
/// exactly one of: `samples`, `idle_samples`, `lost`. Frames of a stack are leaf first: kernel frames, then user
/// frames. Distinct stacks are distinct here (compared, not hashed). All texts are bytes from outside.
struct RawWindow {
  uint64_t session = 0;   ///< random, one for each start of a collector
  uint64_t sequence = 0;  ///< counts from 1 within the session, a gap is a window dropped
  UnixNs start_ns = 0;
  UnixNs end_ns = 0;
  int64_t boot_to_unix_ns = 0;  ///< add to a CLOCK_BOOTTIME value to get wall-clock time, as seen at the end
  uint32_t sample_hz = 0;
  uint32_t cpus = 0;
  int64_t period_ns = 0;
  uint64_t expected_samples = 0;  ///< times the timers were due on all CPUs: sum of samples, idle and lost
  uint64_t idle_samples = 0;
  std::map<std::string, uint64_t, std::less<>> lost;  ///< samples by reason: "ring_full", "timer_late" ...

  std::vector<WindowProcess> processes;
  std::vector<WindowFile> files;
  std::vector<std::string> names;
  std::vector<WindowFrame> frames;
  std::vector<uint32_t> stack_frames;  ///< indices into frames, stack after stack
  std::vector<uint32_t> stack_ends;    ///< where stack i ends in stack_frames
  std::vector<WindowSample> samples;

  size_t stack_count() const { return stack_ends.size(); }
  /// Frames of stack `i`, leaf first.
  std::span<const uint32_t> stack(uint32_t i) const {
    size_t from = i == 0 ? 0 : stack_ends[i - 1];
    return {stack_frames.data() + from, stack_ends[i] - from};
  }
  uint64_t stored_samples() const;
  uint64_t lost_samples() const;
};

/// One of the reasons a collector knows, "other" for any other text: what is counted by reason stays bounded, whatever
/// a peer sends.
std::string_view known_loss_reason(std::string_view reason);

std::vector<std::byte> encode_window(const RawWindow& window);
/// Decodes bytes from outside: every index lies within its table and every limit holds, or kCorrupt.
Result<RawWindow> decode_window(std::span<const std::byte> bytes);

/// The daemon has the window for good; the collector forgets it.
struct WindowAck {
  uint64_t session = 0;
  uint64_t sequence = 0;
};
std::vector<std::byte> encode_window_ack(const WindowAck& ack);
Result<WindowAck> decode_window_ack(std::span<const std::byte> bytes);

}  // namespace watchfire
