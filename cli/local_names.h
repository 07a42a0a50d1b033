#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "converters/perfdata/symbols.h"
#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::cli {

using Say = std::function<void(std::string_view)>;

/// Names for addresses of a recording from files of this machine. What a profile calls its files is untrusted: only
/// regular files are opened (a device or FIFO is not even touched) and their size is bounded. `say` gets a line for
/// each file that could not be used, the first few of them.

/// Names functions of programs and libraries. A file of another build is not used; one of which the profile knows no
/// build id is, unless `matching_only`, and that is said.
void name_from_programs(profile::Profile& p, bool matching_only, const Say& say);

/// Names functions of the kernel when the recording is of the one that runs here.
void name_from_kernel(profile::Profile& p, const Say& say);

/// Names of code made at run time: "/tmp/perf-PID.map" and jitdump files of the processes in a perf.data file. Whoever
/// wrote them chose the names, so they must belong to root or to the caller, have one name in their directory, and be
/// no symbolic link.
converters::PerfSymbols runtime_names(std::string_view perf_data, const converters::DecodeLimits& limits,
                                      const Say& say);

}  // namespace watchfire::cli
