#include "converters/decode_any.h"

#include "converters/legacy/decode.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/inflate.h"

namespace watchfire::converters {

Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits) {
  if (bytes.empty()) return decode_pprof(bytes, limits);
  WF_ASSIGN(InflatedBytes inflated, inflate_profile(bytes, limits));
  auto p = decode_pprof_message(inflated.bytes, limits);
  if (p || p.error().code == ErrorCode::kResourceExhausted) return p;
  auto legacy = decode_legacy(inflated.bytes, limits);
  if (legacy || legacy.error().code != ErrorCode::kUnsupported) return legacy;
  return p;
}

}  // namespace watchfire::converters
