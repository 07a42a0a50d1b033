#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace watchfire {

/// Takes the next line off `text`, without its line break; false at the end.
bool next_line(std::string_view& text, std::string_view& line);
/// Takes the next word off `text`.
std::string_view next_word(std::string_view& text);
/// A whole word as a number.
std::optional<uint64_t> parse_number(std::string_view word, int base = 10);

}  // namespace watchfire
