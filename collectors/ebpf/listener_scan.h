#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/listeners.h"
#include "collectors/ebpf/file_cache.h"

namespace watchfire::collectors::ebpf {

/// Finds who listens on TCP: the listening sockets of each network namespace, then the processes that hold them.
///
/// At most every 10 s, and never more than 1 % of the time: a slow scan makes the next one wait. Bounded in
/// processes, descriptors and bytes; meeting a limit is told (`truncated`). One thread.
class ListenerScan {
 public:
  ListenerScan(std::string proc_root, FileCache& files) : proc_root_(std::move(proc_root)), files_(files) {}

  bool is_due(DurationNs now) const { return now >= next_scan_; }
  /// Scans. `has_pprof_handlers` is set where a file's facts are known; run() again later sees the others.
  ListenersMessage run(DurationNs now);
  /// Programs of the listeners found last, for the parser to look at.
  const std::vector<FileRef>& programs() const { return programs_; }

 private:
  struct Socket {
    std::string address;
    uint16_t port;
  };
  struct Namespace {
    std::map<uint64_t, Socket> sockets;  ///< by inode
  };
  void read_sockets(int process_dir, Namespace& space, ListenersMessage& message);
  void scan_process(uint32_t pid, ListenersMessage& message, DurationNs now);
  Listener describe(int process_dir, uint32_t pid, const FileRef& program) const;

  std::string proc_root_;
  FileCache& files_;
  DurationNs next_scan_ = 0;
  std::vector<FileRef> programs_;

  // During run():
  std::map<uint64_t, Namespace> namespaces_;
  uint64_t own_namespace_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace watchfire::collectors::ebpf
