#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::cli {

/// Numbers and texts as Go reads and prints them, with its messages, for what has to look like pprof.

/// 1, t, T, true, TRUE, True and their opposites; false when it is neither.
bool go_parse_bool(std::string_view text, bool& out);
/// What pprof takes in an assignment: also yes and no in any case, and "" for true.
Status go_bool_assign(std::string_view text, bool& out);
/// Decimal; numbers beyond an int become the nearest one.
Status go_atoi(std::string_view text, int& out);
Status go_parse_float(std::string_view text, double& out);
/// The shortest text that reads back as this number.
std::string go_float(double value);
/// In double quotes, as %q does.
std::string go_quote(std::string_view text);
/// Words between white space.
std::vector<std::string> go_fields(std::string_view text);
std::string_view go_trim(std::string_view text);
/// "1m30s"
std::string go_seconds(int seconds);

}  // namespace watchfire::cli
