#pragma once

#include <string_view>

#include "profile/profile.h"
#include "profile/regex.h"

namespace watchfire::profile {

/// A function's name without what names of one function differ in: a leading ".", the argument list.
std::string_view simplified_name(std::string_view name);

/// Applies the profile's drop_frames and keep_frames: cuts from each stack the frames below the first uninteresting
/// one, such as an allocator's insides, but never the whole stack. A broken pattern changes nothing.
void prune_uninteresting(Profile& p);

/// Cuts from each stack what lies below its leafmost match, which stays.
void prune_from(Profile& p, const Regex& regex);

}  // namespace watchfire::profile
