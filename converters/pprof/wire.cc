#include "converters/pprof/wire.h"

namespace watchfire::converters::wire {

const uint8_t* read_long_varint(const uint8_t* p, const uint8_t* end, uint64_t& value) {
  uint64_t result = 0;
  for (int i = 0; i < kLongestVarint && p < end; ++i, ++p) {
    result |= uint64_t{*p & 0x7fu} << (7 * i);
    if (*p < 0x80) {
      value = result;
      return p + 1;
    }
  }
  return nullptr;
}

}  // namespace watchfire::converters::wire
