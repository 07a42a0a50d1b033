// Profiles of every format: what is accepted is valid, within the limits, and the same after it was written and read.

#include "converters/decode_any.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/limits.h"

using namespace watchfire;
using fuzz::check;

namespace {

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
  auto p = converters::decode_any({reinterpret_cast<const char*>(data), size}, fuzz::tight_limits());
  if (!p) return 0;
  fuzz::check_within_limits(*p);
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
