#pragma once

#include <string>

#include "profile/profile.h"

namespace watchfire::converters {

/// The profile as folded stacks, as flamegraph.pl and others read them: "root;caller;leaf 123", one line a distinct
/// stack of names, in order of their bytes. Inlined functions are frames of their own; ';' in a name becomes ':',
/// control characters and invalid UTF-8 are escaped, so that each sample is exactly one line. Stacks that add up to
/// zero are left out. `column` is the sample type's index (profile::sample_index). Once the text has `max_bytes`,
/// stacks that are not in it yet add up to one line "[other stacks]", so that the sum stays right.
std::string encode_folded(const profile::Profile& p, size_t column, size_t max_bytes = size_t{1} << 30);

/// The form with two counts, "root;leaf BEFORE AFTER", which flamegraph.pl draws as a difference.
std::string encode_folded_difference(const profile::Profile& before, size_t before_column,
                                     const profile::Profile& after, size_t after_column,
                                     size_t max_bytes = size_t{1} << 30);

}  // namespace watchfire::converters
