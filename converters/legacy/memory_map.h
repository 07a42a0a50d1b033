#pragma once

#include <string_view>
#include <vector>

#include "converters/legacy/legacy_draft.h"
#include "converters/legacy/text_lines.h"

namespace watchfire::converters {

/// The executable mappings in lines of /proc/PID/maps, or of the brief form "start-end: file (@offset) build id".
/// "name=value" lines replace $name in those below; log prefixes are cut; other lines are skipped.
Result<std::vector<LegacyMapping>> parse_memory_map(std::string_view text, const DecodeLimits& limits);

}  // namespace watchfire::converters
