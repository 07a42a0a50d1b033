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
  void run(DurationNs now);
  /// What the last scan found, with `has_pprof_handlers` as far as the programs' facts are known by now.
  ListenersMessage found() const;
  /// Programs of the listeners of which it is not known yet: for the parser to look at.
  std::vector<FileRef> programs_to_inspect() const;

 private:
  struct Socket {
    std::string address;
    uint16_t port;
  };
  struct Namespace {
    std::map<uint64_t, Socket> sockets;  ///< by inode
  };
  void read_sockets(int process_dir, Namespace& space);
  void scan_process(uint32_t pid, DurationNs now);
  Listener describe(int process_dir, uint32_t pid, const FileRef& program) const;

  std::string proc_root_;
  FileCache& files_;
  DurationNs next_scan_ = 0;
  ListenersMessage message_;
  std::vector<FileRef> programs_;  ///< of message_.listeners, null where unknown

  // During run():
  std::map<uint64_t, Namespace> namespaces_;
  uint64_t own_namespace_ = 0;
  size_t descriptors_ = 0;
};

}  // namespace watchfire::collectors::ebpf
