#include "converters/decode_any.h"

#include "converters/pprof/decode.h"

namespace watchfire::converters {

Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits) {
  return decode_pprof(bytes, limits);
}

}  // namespace watchfire::converters
