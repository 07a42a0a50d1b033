#pragma once

#include <string>
#include <string_view>

#include "profile/profile.h"

namespace watchfire::converters {

/// How much of a demangled name stays.
enum class DemangleMode {
  kDefault,    ///< no parameters, no template arguments
  kTemplates,  ///< no parameters
  kFull,
  kNone,  ///< names stay as they are
};

/// Gives functions the names people read, as pprof does for every profile it loads: those whose name is missing or
/// equal to the system name are demangled, or, when they look demangled already, shortened the same way. With `force`
/// the others too.
void demangle_names(profile::Profile& p, DemangleMode mode, bool force);

/// One name. Linker names that are none of C++ or Rust come back as they are, shortened if they look like C++.
std::string readable_name(std::string_view system_name, DemangleMode mode);

}  // namespace watchfire::converters
