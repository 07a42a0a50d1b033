#pragma once

#include <span>
#include <string_view>

namespace watchfire::cli {

/// `watchfire pprof`: reports on profile files with the flags and the output of `go tool pprof`.
/// Prints to stdout, warnings and errors to stderr. The exit status: 0, or 2 on any failure.
int run_pprof(std::span<const std::string_view> words);

}  // namespace watchfire::cli
