#pragma once

#include <string>
#include <string_view>

#include "profile/profile.h"

namespace watchfire::cli {

/// What a file is, by its bytes: "pprof, gzip", "perf.data", "legacy pprof text" ...
std::string format_of(std::string_view bytes);

/// What is in a profile, for people and as JSON: types with totals, time, duration, sizes, mappings with build ids,
/// comments, and what is missing from it: frames without names, stacks that were cut, what comments say was lost.
/// `format` may be "".
std::string info_text(const profile::Profile& p, const std::string& format);
std::string info_json(const profile::Profile& p, const std::string& format);

}  // namespace watchfire::cli
