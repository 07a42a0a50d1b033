#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/window.h"
#include "collectors/ebpf/file_cache.h"

namespace watchfire::collectors::ebpf {

/// Identity of a process: pids come back, these three together do not.
struct ProcessKey {
  uint32_t pid = 0;
  uint32_t exec_id = 0;
  uint64_t start_boot_ns = 0;
  friend auto operator<=>(const ProcessKey&, const ProcessKey&) = default;
};

/// Where an address of a process lies.
struct Place {
  FileRef file;
  uint64_t offset = 0;  ///< in the file; for "[anon]" and "[unknown]" the address itself
};

struct Process {
  struct Mapping {
    uint64_t start = 0;
    uint64_t end = 0;
    uint64_t offset = 0;
    FileRef file;
  };

  ProcessKey key;
  WindowProcess info;  ///< `executable` is unset here
  FileRef executable;  ///< null when unknown
  bool mappings_known = false;
  std::vector<Mapping> mappings;  ///< executable ones, by start
  DurationNs maps_read_at = 0;
  DurationNs last_seen = 0;
  /// CPU time of each thread at its last sample, so that a sample weighs what the thread ran since.
  std::unordered_map<uint32_t, uint64_t> thread_runtime;
};
using ProcessRef = std::shared_ptr<Process>;

/// Every process seen in samples: its mappings, files and labels, read from /proc when it is first seen, and again
/// (once a second at most) when an address lies in no mapping. A process that is gone by then has what its parent had,
/// if it never called exec; else it stays nameless: its samples count, its frames are in "[unknown]".
///
/// At most kMaxProcesses; the ones seen longest ago are forgotten. One thread. `proc_root` is /proc, or a fake in
/// tests.
class ProcessTable {
 public:
  static constexpr size_t kMaxProcesses = 16'384;
  static constexpr size_t kMaxThreads = 4096;  ///< a process whose runtime is remembered

  ProcessTable(std::string proc_root, FileCache& files) : proc_root_(std::move(proc_root)), files_(files) {}

  /// What a sample says of its process besides its key.
  struct Seen {
    std::string_view comm;  ///< of the main thread
    bool kernel_thread = false;
    ProcessKey parent;  ///< pid 0 when unknown
  };
  /// The process, new or known.
  ProcessRef find(const ProcessKey& key, const Seen& seen, DurationNs now);
  /// Where a user address lies; reads the mappings again when it lies nowhere.
  Place resolve(Process& process, uint64_t address, DurationNs now);
  /// What a sample of this thread stands for, given its CPU time now: the time since its last sample. The first one
  /// stands for a period, so that threads shorter than that, which are seen or not, count what they ran on average.
  int64_t weigh(Process& process, uint32_t tid, uint64_t runtime_ns, int64_t period_ns);
  /// Forgets processes not seen for 5 minutes. Call about once a window.
  void expire(DurationNs now);
  size_t size() const { return processes_.size(); }

 private:
  ProcessRef look_at(const ProcessKey& key, const Seen& seen, DurationNs now);
  void read_process(Process& process, DurationNs now);
  bool inherit(Process& process, const Seen& seen, DurationNs now);
  bool read_mappings(Process& process, int dir, DurationNs now);
  Fd open_process(const ProcessKey& key) const;

  std::string proc_root_;
  FileCache& files_;
  std::map<ProcessKey, ProcessRef> processes_;
};

/// Reads a file of a /proc/PID directory that is open; empty when it cannot be read.
std::string read_at(int dir, const char* name, size_t max_bytes);
/// Reads a link there; empty when there is none.
std::string read_link_at(int dir, const char* name);

}  // namespace watchfire::collectors::ebpf
