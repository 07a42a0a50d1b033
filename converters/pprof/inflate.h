#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "converters/pprof/limits.h"

namespace watchfire::converters {

/// Output up to this size may be any multiple of the input.
inline constexpr uint64_t kRatioFreeBytes = 4 << 20;

/// Bytes of a profile after decompression: a view of the input when it was not compressed, else owned.
/// The view stays valid when the object is moved; the input must outlive it in the first case.
struct InflatedBytes {
  std::string_view bytes;
  std::unique_ptr<char[]> owned;
};

/// Undoes one level of gzip (also several members) or zstd; other bytes are passed through. Never holds more than
/// the limits allow: a size the trailer states is checked before it is allocated, and a stream that states none or
/// lies is stopped when its output passes decompressed_bytes or inflate_ratio.
Result<InflatedBytes> inflate_profile(std::string_view bytes, const DecodeLimits& limits);

/// The size that gzip's trailer states; nothing can be trusted less. 0 when the bytes are no gzip.
size_t stated_size(std::string_view bytes);

}  // namespace watchfire::converters
