#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "converters/perfdata/stats.h"
#include "converters/perfdata/symbols.h"
#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

struct PerfDataOptions {
  const PerfSymbols* symbols = nullptr;  ///< names of code made at run time
  std::optional<uint32_t> pid;           ///< only this process
  bool process_labels = true;            ///< samples carry comm, pid and tid, and are told apart by them
};

/// Reads what `perf record` writes, to a file or into a pipe, compressed or not. Each event becomes two sample types,
/// EVENT_sample/count, the number of samples, and EVENT_event/count, the sum of their periods; the default is the last
/// that came. Stacks are those of frame pointers, or where a sample has none, of the last branches; a copied user stack
/// is not unwound (stats->stack_dumps). Return addresses point into the call. Frames of no known mapping are left out.
/// Addresses are the process's own, without names but for what `symbols` and the kernel's own records tell: mappings
/// carry file, offset and build id for who symbolizes next.
///
/// What the recording lost, and what of the file is not in the profile, is in `stats` (also on failure) and in comments
/// "perf-data: ..." of the profile. A file that is cut gives what can be read, and a comment says so.
/// kUnsupported: no perf.data file, or of the other byte order. kCorrupt: nothing can be read. kResourceExhausted: a
/// limit; a perf.data file counts as decompressed_bytes, its compressed records when inflated, too.
Result<profile::Profile> decode_perf_data(std::string_view bytes, const PerfDataOptions& options = {},
                                          const DecodeLimits& limits = {}, PerfDataStats* stats = nullptr);

/// One process's part of a recording.
struct PerfProcess {
  uint32_t pid = 0;
  std::string comm;  ///< untrusted
  profile::Profile profile;
};

/// The same, a profile a process, by pid, of at most 20,000. The limits hold for each and, for samples, for all
/// together.
Result<std::vector<PerfProcess>> decode_perf_processes(std::string_view bytes, const PerfDataOptions& options = {},
                                                       const DecodeLimits& limits = {}, PerfDataStats* stats = nullptr);

/// Whether the bytes begin as a perf.data file does.
bool is_perf_data(std::string_view bytes);

}  // namespace watchfire::converters
