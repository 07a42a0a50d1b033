// The output of perf script: what is read is valid and within the limits, and each sample has its one place.

#include "converters/perfscript/decode.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/limits.h"

using namespace watchfire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto p = converters::decode_perf_script({reinterpret_cast<const char*>(data), size}, fuzz::tight_limits());
  if (!p) return 0;
  fuzz::check_within_limits(*p);
  int64_t samples = 0;
  for (size_t t = 0; t < p->values.size(); t += 2) {
    for (int64_t v : p->values[t]) samples += v;
  }
  check(samples > 0 && static_cast<uint64_t>(samples) <= size);
  return 0;
}
