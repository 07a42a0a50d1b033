#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads the formats from before profile.proto: gperftools' binary CPU profile, heap, growth and contention texts,
/// threadz, jemalloc's heap_v2, Go's debug=1 texts, and those of Java agents. The bytes are inflated already.
/// kUnsupported: none of these; kCorrupt: one of them, but broken.
Result<profile::Profile> decode_legacy(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
