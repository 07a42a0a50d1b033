// Folded stacks: what is read is valid, within the limits, and comes back the same from what is written.

#include "converters/folded/decode.h"
#include "converters/folded/encode.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/limits.h"

using namespace watchfire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto p = converters::decode_folded({reinterpret_cast<const char*>(data), size}, fuzz::tight_limits());
  if (!p) return 0;
  fuzz::check_within_limits(*p);
  size_t last = p->sample_types.size() - 1;
  std::string written =
      last == 0 ? converters::encode_folded(*p, 0) : converters::encode_folded_difference(*p, 0, *p, 1);
  if (written.empty()) return 0;
  // A name that its escapes (four bytes for one) make longer than a name may be is cut when it is read again.
  for (const auto& f : p->functions)
    if (p->text(f.name).size() > 4096 / 4) return 0;
  auto again = converters::decode_folded(written);
  check(again.has_value());
  // Names that end with a number make a single count look like two.
  if (again->sample_types.size() != p->sample_types.size()) return 0;
  check(again->comments.empty());
  std::string lasting =
      last == 0 ? converters::encode_folded(*again, 0) : converters::encode_folded_difference(*again, 0, *again, 1);
  check(lasting == written);
  return 0;
}
