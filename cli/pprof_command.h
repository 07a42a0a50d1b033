#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::cli {

/// What the words after `watchfire pprof` ask for, as the bytes that go to stdout. `output` gets the file that
/// -output names, `notes` the warnings.
Result<std::string> pprof_report(std::span<const std::string_view> words, std::string& output,
                                 std::vector<std::string>& notes);

/// `watchfire pprof`: reports on profile files with the flags and the output of `go tool pprof`.
/// Prints to stdout, warnings and errors to stderr. The exit status: 0, or 2 on any failure.
int run_pprof(std::span<const std::string_view> words);

}  // namespace watchfire::cli
