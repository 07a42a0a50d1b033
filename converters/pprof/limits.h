#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace watchfire::converters {

/// How much one profile from outside may cost. Each limit is checked while decoding, before memory is spent on
/// what exceeds it; exceeding one is ErrorCode::kResourceExhausted and names the limit as the field is named here.
/// The defaults suit one profile of one process; raise a field to accept more.
struct DecodeLimits {
  uint64_t compressed_bytes = 16 << 20;
  uint64_t decompressed_bytes = 64 << 20;
  uint64_t inflate_ratio = 200;  ///< output : input, checked once the output passes 4 MiB
  uint64_t samples = 2'000'000;
  uint64_t locations = 1'000'000;
  uint64_t lines = 4'000'000;
  uint64_t functions = 1'000'000;
  uint64_t mappings = 100'000;
  uint64_t strings = 2'000'000;
  uint64_t string_bytes = 48 << 20;
  uint64_t frames = 48'000'000;  ///< locations in all stacks together
  uint64_t stack_depth = 1024;
  uint64_t labels = 8'000'000;  ///< of all samples together
  uint64_t labels_per_sample = 64;
  uint64_t values = 16'000'000;  ///< samples times sample types
  uint64_t sample_types = 64;
  uint64_t comments = 10'000;

  /// For files a person names on the command line: everything that fits a machine, still no bomb.
  static DecodeLimits offline();
};

/// What decoding took, filled also when it fails.
struct DecodeStats {
  uint64_t decompressed_bytes = 0;
  uint64_t elements = 0;  ///< messages, strings, frames and labels looked at before it ended
};

/// The error for an exceeded limit: "more than 2000000 samples (limit samples)".
Error limit_exceeded(std::string_view limit_name, uint64_t limit, std::string_view what);

}  // namespace watchfire::converters
