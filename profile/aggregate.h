#pragma once

#include <string>
#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// What two frames must share to be one row of a report.
enum class Granularity { kFunctions, kFileFunctions, kFiles, kLines, kAddresses };

/// Blanks in functions and locations what the granularity does not tell apart; samples stay as they are.
void aggregate(Profile& p, Granularity granularity, bool no_inlines, bool show_columns);

/// Adds to each stack one frame a label key, named by the sample's values of it: `root_keys` above the root, the
/// first key outermost; `leaf_keys` below the leaf, the last key innermost. `unit` formats numbers.
struct TagFrameMatches {
  bool root = false;
  bool leaf = false;
};
TagFrameMatches add_tag_frames(Profile& p, const std::vector<std::string>& root_keys,
                               const std::vector<std::string>& leaf_keys, std::string_view unit);

}  // namespace watchfire::profile
