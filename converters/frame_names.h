#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace watchfire::converters {

/// The name a frame has in pictures and folded text: its function's, else "[file]" of its mapping, else "[unknown]".
/// Names are cut at 4 KiB, so that a long one in each frame of a stack costs little.
/// `line` is null for a location without lines. Untrusted; not escaped.
std::string frame_name(const profile::Profile& p, const profile::Location& l, const profile::Line* line);

/// Names of a stack from the root on, inlined functions as frames of their own. About `max_depth` of them are
/// given where the stack has as many; what is farther from the root is left out.
std::vector<std::string> stack_names(const profile::Profile& p, std::span<const uint32_t> stack, size_t max_depth);

}  // namespace watchfire::converters
