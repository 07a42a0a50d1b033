#include "base/text_fields.h"

#include <algorithm>
#include <charconv>

namespace watchfire {

bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  size_t end = std::min(text.find('\n'), text.size());
  line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

std::string_view next_word(std::string_view& text) {
  size_t start = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(start);
  size_t end = std::min(text.find(' '), text.size());
  auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

std::optional<uint64_t> parse_number(std::string_view word, int base) {
  uint64_t value = 0;
  auto [p, ec] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (ec != std::errc() || p != word.data() + word.size() || word.empty()) return std::nullopt;
  return value;
}

}  // namespace watchfire
