#pragma once

#include <functional>
#include <string_view>

#include "converters/perfdata/symbols.h"
#include "converters/pprof/decode.h"
#include "profile/profile.h"

namespace watchfire::converters {

enum class FileFormat { kPprof, kPerfData, kLegacy, kPerfScript, kFolded };

/// What a caller knows or wants beside the bytes.
struct DecodeAnyOptions {
  /// Gives names of code made at run time; called with the bytes of a perf.data file before it is read.
  std::function<PerfSymbols(std::string_view perf_data)> runtime_names;
  Tables tables = Tables::kDistinct;  ///< of a profile.proto; the other formats' are always distinct
  bool use_threads = false;           ///< inflate large files on a thread of its own
  FileFormat* format = nullptr;       ///< set to what the bytes are, when they could be read
};

/// Reads whatever profile these bytes are, found by content: profile.proto, a perf.data file, one of the legacy formats
/// of gperftools, jemalloc and old Go, the output of perf script, or folded stacks; each plain, gzip or zstd. Same
/// limits and errors as decode_pprof.
Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits = {},
                                    const DecodeAnyOptions& options = {});

}  // namespace watchfire::converters
