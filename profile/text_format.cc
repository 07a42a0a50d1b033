#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

/// Bytes of the valid sequence at the start of text, else 0. Rejects overlong forms, surrogates and what lies
/// beyond U+10FFFF.
size_t sequence_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < n) return 0;
  for (size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return n;
}

}  // namespace

size_t rune_count(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    size_t n = sequence_length(text);
    text.remove_prefix(n == 0 ? 1 : n);
    ++count;
  }
  return count;
}

void append_right(std::string& out, std::string_view text, size_t width) {
  size_t n = rune_count(text);
  if (n < width) out.append(width - n, ' ');
  out += text;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) out += '\n';
    out += lines[i];
  }
  out += '\n';
  return out;
}

}  // namespace watchfire::profile
