#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace watchfire::profile {

/// Characters of UTF-8 text, as widths are counted; each invalid byte counts as one.
size_t rune_count(std::string_view text);

/// Text with blanks before it up to `width` characters.
void append_right(std::string& out, std::string_view text, size_t width);

/// Lines with '\n' between them and at the end.
std::string join_lines(const std::vector<std::string>& lines);

}  // namespace watchfire::profile
