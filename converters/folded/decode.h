#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads folded stacks, "root;caller;leaf 123" a line, as stackcollapse scripts, async-profiler and others write them:
/// one sample type samples/count. Where every line ends with two counts (difffolded.pl) the first is before/count, the
/// second, and default, samples/count. The count stands after the last blank; names may hold blanks, but not at their
/// ends; decimal counts are rounded. Names are kept as they are, with annotations such as "_[k]".
///
/// Lines without a count are left out; a comment of the profile says how many, and whether the file seems cut.
/// kUnsupported: no line, or fewer than half of the lines, have a count, so it is some other text. The bytes are
/// inflated already.
Result<profile::Profile> decode_folded(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
