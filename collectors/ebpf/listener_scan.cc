#include "collectors/ebpf/listener_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text_fields.h"
#include "collectors/ebpf/proc_text.h"
#include "collectors/ebpf/process_table.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr DurationNs kLeastInterval = 10 * kSecond;
constexpr DurationNs kShareOfTime = 100;  ///< a scan takes at most one part in so many
constexpr size_t kMaxListeners = 4096;
constexpr size_t kMaxProcesses = 32'768;
constexpr size_t kMaxDescriptors = 200'000;
constexpr size_t kMaxNamespaces = 1024;
constexpr size_t kMaxTcpBytes = 8u << 20;

/// Names in a directory that are numbers, at most `limit`.
std::vector<uint32_t> numbers_in(Fd dir, size_t limit) {
  std::vector<uint32_t> out;
  std::unique_ptr<DIR, int (*)(DIR*)> listing(dir ? ::fdopendir(dir.get()) : nullptr, &::closedir);
  if (!listing) return out;
  dir.release();
  while (dirent* entry = ::readdir(listing.get())) {
    auto number = parse_number(entry->d_name);
    if (number && *number <= UINT32_MAX) out.push_back(static_cast<uint32_t>(*number));
    if (out.size() >= limit) break;
  }
  return out;
}

Fd open_dir_at(int dir, const char* name) {
  return Fd(::openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

void ListenerScan::run(DurationNs now) {
  DurationNs started = boot_ns();
  message_ = {};
  namespaces_.clear();
  programs_.clear();
  descriptors_ = 0;
  Fd root = open_dir_at(AT_FDCWD, proc_root_.c_str());
  if (root) {
    own_namespace_ = parse_inode_link(read_link_at(root.get(), "self/ns/net"), "net").value_or(0);
    auto pids = numbers_in(std::move(root), kMaxProcesses);
    if (pids.size() >= kMaxProcesses) message_.truncated = 1;
    std::ranges::sort(pids);
    for (uint32_t pid : pids) scan_process(pid, now);
  }
  namespaces_.clear();
  next_scan_ = now + std::max(kLeastInterval, (boot_ns() - started) * kShareOfTime);
}

ListenersMessage ListenerScan::found() const {
  ListenersMessage message = message_;
  for (size_t i = 0; i < message.listeners.size(); ++i) {
    const FileRef& program = programs_[i];
    bool has = program && program->knows_pprof && program->facts.has_pprof_handlers != 0;
    message.listeners[i].has_pprof_handlers = has ? 1 : 0;
  }
  return message;
}

std::vector<FileRef> ListenerScan::programs_to_inspect() const {
  std::vector<FileRef> out;
  for (const auto& program : programs_)
    if (program && !program->knows_pprof) out.push_back(program);
  return out;
}

void ListenerScan::read_sockets(int dir, Namespace& space) {
  for (const char* name : {"net/tcp", "net/tcp6"}) {
    std::string text = read_at(dir, name, kMaxTcpBytes);
    std::string_view rest = text, line;
    while (next_line(rest, line)) {
      auto socket = parse_tcp_line(line);
      if (!socket || !socket->listening) continue;
      if (space.sockets.size() >= kMaxListeners)
        message_.truncated = 1;
      else
        space.sockets[socket->inode] = {std::move(socket->address), socket->port};
    }
  }
}

void ListenerScan::scan_process(uint32_t pid, DurationNs now) {
  Fd dir(::open((proc_root_ + "/" + std::to_string(pid)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return;
  auto net = parse_inode_link(read_link_at(dir.get(), "ns/net"), "net");
  if (!net) return;
  auto it = namespaces_.find(*net);
  if (it == namespaces_.end()) {
    if (namespaces_.size() >= kMaxNamespaces) {
      message_.truncated = 1;
      return;
    }
    it = namespaces_.emplace(*net, Namespace()).first;
    read_sockets(dir.get(), it->second);
  }
  if (it->second.sockets.empty()) return;
  Fd fds = open_dir_at(dir.get(), "fd");
  if (!fds) return;
  FileRef program;
  for (uint32_t number : numbers_in(open_dir_at(dir.get(), "fd"), kMaxDescriptors)) {
    if (++descriptors_ > kMaxDescriptors || message_.listeners.size() >= kMaxListeners) {
      message_.truncated = 1;
      return;
    }
    auto inode = parse_inode_link(read_link_at(fds.get(), std::to_string(number).c_str()), "socket");
    auto socket = inode ? it->second.sockets.find(*inode) : it->second.sockets.end();
    if (socket == it->second.sockets.end()) continue;
    if (!program) program = files_.open_executable(dir.get(), now);
    Listener listener = describe(dir.get(), pid, program);
    listener.address = socket->second.address;
    listener.port = socket->second.port;
    listener.net_namespace = *net;
    listener.own_namespace = *net == own_namespace_ ? 1 : 0;
    message_.listeners.push_back(std::move(listener));
    programs_.push_back(program);
  }
}

Listener ListenerScan::describe(int dir, uint32_t pid, const FileRef& program) const {
  Listener listener;
  listener.pid = pid;
  auto ticks = parse_stat_start(read_at(dir, "stat", 4096)).value_or(0);
  listener.start_boot_ns = static_cast<int64_t>(ticks) * (kSecond / std::max(1L, ::sysconf(_SC_CLK_TCK)));
  std::string comm = read_at(dir, "comm", 256);
  listener.comm = comm.substr(0, comm.find('\n'));
  auto labels = parse_cgroup(read_at(dir, "cgroup", 64u << 10));
  listener.unit = labels.unit;
  listener.container_id = labels.container_id;
  if (!program) return listener;
  listener.exe = program->path.substr(program->path.rfind('/') + 1).substr(0, 255);
  program->wants_pprof = true;
  return listener;
}

}  // namespace watchfire::collectors::ebpf
