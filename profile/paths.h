#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace watchfire::profile {

/// Last element of a path; "." for an empty one, "/" for one of slashes only.
std::string_view base_name(std::string_view path);

/// The shortest equal path: no "//", "." or resolvable ".." elements; "." for an empty one.
std::string clean_path(std::string_view path);

/// Cuts known prefixes off a source path. Without `trim_path` the last element of each directory of `search_path`
/// is looked for in the path and all up to it goes; else the prefixes in trim_path go. Both are lists with ":"
/// between. "/proc/self/cwd/" always goes.
std::string_view trim_source_path(std::string_view path, std::string_view trim_path, std::string_view search_path);

/// The parts of a ":" separated list; none for an empty one.
std::vector<std::string_view> split_path_list(std::string_view list);

}  // namespace watchfire::profile
