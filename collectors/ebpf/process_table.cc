#include "collectors/ebpf/process_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/counters.h"
#include "base/text_fields.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr size_t kMaxMapsBytes = 16u << 20;
constexpr size_t kMaxMappings = 8192;
constexpr size_t kMaxStatBytes = 4096;
constexpr size_t kMaxCommBytes = 64;
constexpr size_t kMaxCgroupBytes = 64u << 10;
constexpr DurationNs kRereadAfter = kSecond;
constexpr DurationNs kForgetAfter = 5 * kMinute;

std::string base_name(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1)).substr(0, 255);
}

uint64_t clock_ticks(uint64_t ns) {
  static const uint64_t tick_ns = static_cast<uint64_t>(kSecond / std::max(1L, ::sysconf(_SC_CLK_TCK)));
  return ns / tick_ns;
}

}  // namespace

std::string read_at(int dir, const char* name, size_t max_bytes) {
  Fd fd(::openat(dir, name, O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  auto text = read_fd(fd.get(), max_bytes);
  return text ? *std::move(text) : std::string();
}

std::string read_link_at(int dir, const char* name) {
  char target[4096];
  ssize_t n = ::readlinkat(dir, name, target, sizeof target);
  return n <= 0 ? std::string() : std::string(target, static_cast<size_t>(n));
}

ProcessRef ProcessTable::find(const ProcessKey& key, const Seen& seen, DurationNs now) {
  ProcessRef& process = processes_[key];  // stays where it is while others are added
  if (!process) {
    process = look_at(key, seen, now);
    if (!seen.kernel_thread && !process->mappings_known && !inherit(*process, seen, now))
      count("processes_gone_total", "before_first_look");
  }
  ProcessRef result = process;
  result->info.comm = seen.comm;
  result->last_seen = now;
  if (processes_.size() > kMaxProcesses) expire(now);
  return result;
}

ProcessRef ProcessTable::look_at(const ProcessKey& key, const Seen& seen, DurationNs now) {
  auto process = std::make_shared<Process>();
  process->key = key;
  process->info.pid = key.pid;
  process->info.exec_id = key.exec_id;
  process->info.start_boot_ns = static_cast<int64_t>(key.start_boot_ns);
  process->info.kernel_thread = seen.kernel_thread ? 1 : 0;
  process->last_seen = now;
  if (!seen.kernel_thread) read_process(*process, now);
  return process;
}

/// The directory of exactly this process: while it is open it belongs to no other, even when the pid is given again.
Fd ProcessTable::open_process(const ProcessKey& key) const {
  Fd dir(::open((proc_root_ + "/" + std::to_string(key.pid)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return {};
  auto start = parse_stat_start(read_at(dir.get(), "stat", kMaxStatBytes));
  return start && *start == clock_ticks(key.start_boot_ns) ? std::move(dir) : Fd();
}

void ProcessTable::read_process(Process& process, DurationNs now) {
  Fd dir = open_process(process.key);
  process.maps_read_at = now;
  if (!dir) return;
  WindowProcess& info = process.info;
  info.comm = read_at(dir.get(), "comm", kMaxCommBytes);
  if (info.comm.ends_with('\n')) info.comm.pop_back();
  auto labels = parse_cgroup(read_at(dir.get(), "cgroup", kMaxCgroupBytes));
  info.cgroup = labels.path.substr(0, 4000);
  info.unit = std::move(labels.unit);
  info.container_id = std::move(labels.container_id);
  info.pod_uid = std::move(labels.pod_uid);
  info.pid_namespace = parse_inode_link(read_link_at(dir.get(), "ns/pid"), "pid").value_or(0);
  process.executable = files_.open_executable(dir.get(), now);
  if (process.executable) info.exe = base_name(process.executable->path);
  process.mappings_known = read_mappings(process, dir.get(), now);
}

/// fork copies the parent's memory, exec_id and name, and exec changes them (each exec lays memory out anew): with all
/// of them the same, the child was still what its parent is.
bool ProcessTable::inherit(Process& process, const Seen& seen, DurationNs now) {
  if (seen.parent.pid == 0 || seen.parent.exec_id != process.key.exec_id) return false;
  auto found = processes_.find(seen.parent);
  ProcessRef known = found != processes_.end() ? found->second : look_at(seen.parent, {}, now);
  if (!known || !known->mappings_known) return false;  // one that can't be read now is read when it is seen itself
  processes_[seen.parent] = known;
  Process& parent = *known;
  if (parent.info.comm != seen.comm) return false;
  parent.last_seen = now;
  WindowProcess own = std::exchange(process.info, parent.info);
  process.info.pid = own.pid;
  process.info.start_boot_ns = own.start_boot_ns;
  process.executable = parent.executable;
  process.mappings = parent.mappings;
  process.mappings_known = true;
  return true;
}

bool ProcessTable::read_mappings(Process& process, int dir, DurationNs now) {
  std::string text = read_at(dir, "maps", kMaxMapsBytes);
  if (text.empty()) return false;
  std::vector<Process::Mapping> mappings;
  std::string_view rest = text, line;
  while (next_line(rest, line)) {
    auto map = parse_maps_line(line);
    if (!map || !map->executable) continue;
    if (mappings.size() >= kMaxMappings) {
      count("mappings_skipped_total", "limit");
      break;
    }
    Process::Mapping m{map->start, map->end, map->offset, nullptr};
    if (map->path == "[vdso]") {
      m.file = FileCache::vdso();
      m.offset = 0;
    } else if (map->inode != 0) {
      m.file = files_.open_mapping(dir, *map, now);
    }
    if (!m.file) m.file = map->inode != 0 ? FileCache::unknown() : FileCache::anonymous();
    if (m.file == FileCache::anonymous() || m.file == FileCache::unknown()) m.offset = m.start;
    mappings.push_back(std::move(m));
  }
  process.mappings = std::move(mappings);
  return true;
}

Place ProcessTable::resolve(Process& process, uint64_t address, DurationNs now) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto it = std::ranges::upper_bound(process.mappings, address, {}, &Process::Mapping::start);
    if (it != process.mappings.begin() && address < std::prev(it)->end) {
      const auto& m = *std::prev(it);
      if (m.file->kind == WindowFileKind::kElf) m.file->last_used = now;
      return {m.file, address - m.start + m.offset};
    }
    if (!process.mappings_known || now - process.maps_read_at < kRereadAfter) break;
    process.maps_read_at = now;
    Fd dir = open_process(process.key);
    if (!dir || !read_mappings(process, dir.get(), now)) break;
  }
  return {FileCache::unknown(), address};
}

int64_t ProcessTable::weigh(Process& process, uint32_t tid, uint64_t runtime_ns, int64_t period_ns) {
  auto it = process.thread_runtime.find(tid);
  if (it == process.thread_runtime.end()) {
    if (process.thread_runtime.size() >= kMaxThreads) process.thread_runtime.clear();
    process.thread_runtime[tid] = runtime_ns;
    return period_ns;
  }
  // Rings are read CPU after CPU, so a sample taken before a migration can come after one that has its time already.
  if (runtime_ns <= it->second) return 0;
  auto weight = static_cast<int64_t>(runtime_ns - it->second);
  it->second = runtime_ns;
  return weight;
}

void ProcessTable::expire(DurationNs now) {
  std::erase_if(processes_, [&](const auto& entry) { return now - entry.second->last_seen > kForgetAfter; });
  if (processes_.size() <= kMaxProcesses) return;
  std::vector<std::pair<DurationNs, ProcessKey>> by_age;
  for (const auto& [key, process] : processes_) by_age.emplace_back(process->last_seen, key);
  std::ranges::sort(by_age);
  for (size_t i = 0; i < by_age.size() / 4; ++i) processes_.erase(by_age[i].second);
  count("processes_forgotten_total", "limit", by_age.size() / 4);
}

}  // namespace watchfire::collectors::ebpf
