#include "converters/decode_any.h"

#include <algorithm>

#include "converters/folded/decode.h"
#include "converters/legacy/decode.h"
#include "converters/perfdata/decode.h"
#include "converters/perfscript/decode.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/inflate.h"

namespace watchfire::converters {
namespace {

/// No markup, no other known format, and no control characters where the text begins.
bool may_be_stack_text(std::string_view bytes) {
  std::string_view what = looks_like(bytes);
  if (!what.empty() && what != "looks like text") return false;
  return std::ranges::all_of(bytes.substr(0, 4096), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits) {
  if (bytes.empty()) return decode_pprof(bytes, limits);
  WF_ASSIGN(InflatedBytes inflated, inflate_profile(bytes, limits));
  if (is_perf_data(inflated.bytes)) return decode_perf_data(inflated.bytes, {}, limits);
  auto p = decode_pprof_message(inflated.bytes, limits);
  if (p || p.error().code == ErrorCode::kResourceExhausted) return p;
  auto legacy = decode_legacy(inflated.bytes, limits);
  if (legacy || legacy.error().code != ErrorCode::kUnsupported) return legacy;
  if (may_be_stack_text(inflated.bytes)) {
    for (auto* decode : {decode_perf_script, decode_folded}) {
      auto read = decode(inflated.bytes, limits);
      if (read || read.error().code != ErrorCode::kUnsupported) return read;
    }
  }
  return p;
}

}  // namespace watchfire::converters
