#include "converters/legacy/text_lines.h"

#include <charconv>
#include <string>

namespace watchfire::converters {
namespace {

constexpr size_t kMaxLine = 64 << 10;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

bool LineReader::next() {
  line_ = {};
  if (rest_.empty() || too_long_) return false;
  size_t end = rest_.find('\n');
  bool last = end == std::string_view::npos;
  std::string_view line = rest_.substr(0, end);
  if (line.size() >= kMaxLine) {
    too_long_ = true;
    return false;
  }
  rest_.remove_prefix(last ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  line_ = line;
  return true;
}

Status LineReader::status() const {
  if (!too_long_) return {};
  return fail(ErrorCode::kCorrupt, "a line of more than 64 KiB");
}

std::string_view trim_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

bool is_space_or_comment(std::string_view line) {
  std::string_view text = trim_space(line);
  return text.empty() || text[0] == '#';
}

bool is_memory_map_start(std::string_view line) {
  return line.find("--- Memory map: ---") != std::string_view::npos ||
         line.find("MAPPED_LIBRARIES:") != std::string_view::npos;
}

bool parse_go_uint(std::string_view text, int base, uint64_t& value) {
  if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == '0') {
      char kind = static_cast<char>(text[1] | 0x20);
      base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
      text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
    }
  }
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_go_int(std::string_view text, int base, int64_t& value) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  uint64_t magnitude = 0;
  if (!parse_go_uint(text, base, magnitude)) return false;
  uint64_t most = uint64_t{INT64_MAX} + (negative ? 1 : 0);
  if (magnitude > most) return false;
  value = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

Result<std::vector<uint64_t>> parse_hex_addresses(std::string_view text) {
  std::vector<uint64_t> addresses;
  for (size_t at = text.find("0x"); at != std::string_view::npos; at = text.find("0x", at)) {
    size_t end = at + 2;
    while (end < text.size() && is_hex(text[end])) ++end;
    std::string_view digits = text.substr(at + 2, end - at - 2);
    at = end;
    if (digits.empty()) continue;
    uint64_t value = 0;
    if (!parse_go_uint(digits, 16, value)) {
      return fail(ErrorCode::kCorrupt, "no 64-bit address: 0x" + std::string(digits.substr(0, 40)));
    }
    addresses.push_back(value);
  }
  return addresses;
}

}  // namespace watchfire::converters
