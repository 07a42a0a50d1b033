#pragma once

#include <string>
#include <string_view>

namespace watchfire::profile {

/// A function's name without what a drawing has no room for: a Go package's path and version, a Java package, a
/// C++ namespace.
std::string short_function_name(std::string_view name);

}  // namespace watchfire::profile
