#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "converters/pprof/limits.h"

namespace watchfire::converters {

/// Where the names of code made at run time may be found.
struct PerfRuntimeCode {
  std::set<uint32_t> pids;         ///< processes that ran code of no file: "/tmp/perf-PID.map" may name it
  std::set<std::string> jitdumps;  ///< untrusted paths of "jit-PID.dump" files, as runtimes mark them by mapping them
};

/// Whether memory of this name, as the kernel reports it, holds no file; "" is one.
bool is_of_no_file(std::string_view name);

/// Looks through the mappings of a recording; at most `kMaxRuntimeFiles` of each kind. Errors as decode_perf_data.
inline constexpr size_t kMaxRuntimeFiles = 4096;
Result<PerfRuntimeCode> find_runtime_code(std::string_view perf_data, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
