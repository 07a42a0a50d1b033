#include "converters/pprof/limits.h"

namespace watchfire::converters {

DecodeLimits DecodeLimits::offline() {
  DecodeLimits l;
  l.compressed_bytes = uint64_t{2} << 30;
  l.decompressed_bytes = uint64_t{4} << 30;
  l.inflate_ratio = 1000;
  l.samples = 200'000'000;
  l.locations = 50'000'000;
  l.lines = 200'000'000;
  l.functions = 50'000'000;
  l.mappings = 1'000'000;
  l.strings = 100'000'000;
  l.string_bytes = uint64_t{2} << 30;
  l.frames = 4'000'000'000;
  l.stack_depth = 1'000'000;
  l.labels = 1'000'000'000;
  l.labels_per_sample = 10'000;
  l.values = 1'000'000'000;
  l.sample_types = 1000;
  l.comments = 1'000'000;
  return l;
}

Error limit_exceeded(std::string_view limit_name, uint64_t limit, std::string_view what) {
  std::string name(limit_name);
  Error e(ErrorCode::kResourceExhausted,
          "profile has more than " + std::to_string(limit) + " " + std::string(what) + " (limit " + name + ")");
  return std::move(e).hinted("raise the limit " + name + " if the profile is genuine");
}

}  // namespace watchfire::converters
