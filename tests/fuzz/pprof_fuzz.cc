// Profiles of every format: what is accepted is valid, within the limits, and the same after it was written and read.

#include "converters/decode_any.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

namespace {

converters::DecodeLimits tight_limits() {
  converters::DecodeLimits l;
  l.compressed_bytes = 64 << 10;
  l.decompressed_bytes = 256 << 10;
  l.samples = 1000;
  l.locations = l.functions = l.strings = 1000;
  l.lines = l.frames = l.labels = l.values = 4000;
  l.mappings = l.comments = 100;
  l.string_bytes = 64 << 10;
  l.stack_depth = 64;
  l.labels_per_sample = 16;
  l.sample_types = 16;
  return l;
}

// Sums wrap around: the values are anything.
std::vector<uint64_t> totals(const profile::Profile& p) {
  std::vector<uint64_t> out;
  for (const auto& column : p.values) {
    uint64_t sum = 0;
    for (int64_t v : column) sum += static_cast<uint64_t>(v);
    out.push_back(sum);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const converters::DecodeLimits kLimits = tight_limits();
  auto p = converters::decode_any({reinterpret_cast<const char*>(data), size}, kLimits);
  if (!p) return 0;
  check(profile::validate(*p).has_value());
  check(p->sample_count() <= kLimits.samples && p->locations.size() <= kLimits.locations);
  check(p->functions.size() <= kLimits.functions && p->lines.size() <= kLimits.lines);
  std::string written = converters::encode_pprof(*p);
  auto again = converters::decode_pprof(written);
  check(again.has_value());
  check(again->sample_count() == p->sample_count() && totals(*again) == totals(*p));
  check(again->locations.size() == p->locations.size() && again->functions.size() == p->functions.size());
  // A label whose number is 0 is written without it, and read as none: the second writing is the lasting one.
  std::string lasting = converters::encode_pprof(*again);
  auto third = converters::decode_pprof(lasting);
  check(third && converters::encode_pprof(*third) == lasting);
  return 0;
}
