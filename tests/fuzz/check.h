#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace watchfire::fuzz {

/// What must hold for every input; says where when it does not, and ends the run.
inline void check(bool holds, const std::source_location& where = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: does not hold\n", where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}

}  // namespace watchfire::fuzz
