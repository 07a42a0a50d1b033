#pragma once

#include <cstdint>

namespace watchfire::profile {

// Values of profiles come from outside: their sums may overflow. These give what two's complement gives, as pprof's
// do, and are never undefined.

/// Sum as two's complement, without the undefined behaviour of an overflow.
inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
/// |v|, where |INT64_MIN| is INT64_MIN.
inline int64_t wrapping_abs(int64_t v) {
  return v < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(v)) : v;
}
/// v as an integer, truncated; what does not fit, and NaN, become INT64_MIN as on x86.
inline int64_t truncated(double v) {
  return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? static_cast<int64_t>(v) : INT64_MIN;
}
/// a / b, truncated; b must not be 0.
inline int64_t wrapping_divide(int64_t a, int64_t b) {
  return b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b;
}
inline int64_t wrapping_multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

}  // namespace watchfire::profile
