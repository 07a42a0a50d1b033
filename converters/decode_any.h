#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads whatever profile these bytes are, found by content: profile.proto, a perf.data file, one of the legacy formats
/// of gperftools, jemalloc and old Go, the output of perf script, or folded stacks; each plain, gzip or zstd. Same
/// limits and errors as decode_pprof.
Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
