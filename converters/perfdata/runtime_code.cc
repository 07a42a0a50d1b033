#include "converters/perfdata/runtime_code.h"

#include <algorithm>

#include "base/bytes.h"
#include "converters/perfdata/container.h"

namespace watchfire::converters {
namespace {

constexpr uint32_t kKernelPid = 0xffffffff;

/// "jit-PID.dump"
bool is_jitdump(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!path.starts_with('/') || !name.starts_with("jit-") || !name.ends_with(".dump")) return false;
  name = name.substr(4, name.size() - 4 - 5);
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool is_of_no_file(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {
      "//anon", "[heap]", "[stack", "[anon", "/memfd:", "/SYSV", "/anon_hugepage", "/dev/zero", "anon_inode:"};
  return name.empty() || std::ranges::any_of(kPrefixes, [&](std::string_view p) { return name.starts_with(p); });
}

Result<PerfRuntimeCode> find_runtime_code(std::string_view perf_data, const DecodeLimits& limits) {
  PerfDataStats stats;
  WF_ASSIGN(perf::Container container, perf::Container::read(perf_data, limits, stats));
  PerfRuntimeCode found;
  for (const perf::Record& record : container.records) {
    if (record.type != perf::kMmap && record.type != perf::kMmap2) continue;
    ByteReader r(record.payload);
    auto pid = r.read<uint32_t>();
    r.take(4 + 8 * 3);                                // tid, start, size, offset
    if (record.type == perf::kMmap2) r.take(24 + 8);  // identity, protection and flags
    if (!r.ok() || pid == kKernelPid) continue;
    std::string_view name = perf::until_nul(record.payload.substr(r.position()));
    if (is_of_no_file(name) && found.pids.size() < kMaxRuntimeFiles) found.pids.insert(pid);
    if (is_jitdump(name) && found.jitdumps.size() < kMaxRuntimeFiles) found.jitdumps.emplace(name);
  }
  return found;
}

}  // namespace watchfire::converters
