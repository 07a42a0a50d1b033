#include "base/untrusted_text.h"

#include <cstdint>
#include <cstdio>

namespace watchfire {
namespace {

constexpr uint32_t kInvalid = 0xffffffff;

// Decodes one character at text[i] and advances i; kInvalid consumes one byte.
uint32_t next_character(std::string_view text, size_t& i) {
  auto byte = [&](size_t k) { return static_cast<uint8_t>(text[k]); };
  uint8_t b = byte(i);
  if (b < 0x80) {
    ++i;
    return b;
  }
  int extra = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
  uint32_t c = b >= 0xf0 ? b & 0x07 : b >= 0xe0 ? b & 0x0f : b & 0x1f;
  if (b < 0xc2 || b > 0xf4 || i + static_cast<size_t>(extra) >= text.size()) {
    ++i;
    return kInvalid;
  }
  for (int k = 1; k <= extra; ++k) {
    uint8_t n = byte(i + static_cast<size_t>(k));
    if ((n & 0xc0) != 0x80) {
      ++i;
      return kInvalid;
    }
    c = c << 6 | (n & 0x3f);
  }
  bool overlong = (extra == 2 && c < 0x800) || (extra == 3 && c < 0x10000);
  if (overlong || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
    ++i;
    return kInvalid;
  }
  i += static_cast<size_t>(extra) + 1;
  return c;
}

bool is_control(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

bool is_layout(uint32_t c) {
  return c == 0x2028 || c == 0x2029 || c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

// Walks the text; `emit(character, bytes)` appends to the output what stands for it.
template <typename Emit>
void for_each_character(std::string_view text, Emit emit) {
  for (size_t i = 0; i < text.size();) {
    size_t start = i;
    uint32_t c = next_character(text, i);
    emit(c, text.substr(start, i - start));
  }
}

void append_visible(std::string& out, uint32_t c, std::string_view bytes) {
  char code[16];
  if (c == kInvalid || is_control(c)) {
    for (char b : bytes) {
      std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<uint8_t>(b)));
      out += code;
    }
  } else if (is_layout(c)) {
    std::snprintf(code, sizeof code, "\\u{%04x}", c);
    out += code;
  } else {
    out += bytes;
  }
}

// Cuts UTF-8 that is known to be valid, on a character border.
std::string cut(std::string text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t n = max_bytes > 3 ? max_bytes - 3 : 0;
  while (n > 0 && (static_cast<uint8_t>(text[n]) & 0xc0) == 0x80) --n;
  text.resize(n);
  return text + "...";
}

constexpr std::string_view kModifierGrave = "\xcb\x8b";  // U+02CB, looks like a back-tick and is none

}  // namespace

std::string escape_terminal(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](uint32_t c, std::string_view bytes) { append_visible(out, c, bytes); });
  return out;
}

std::string escape_log(std::string_view text, size_t max_bytes) {
  return cut(escape_terminal(text.substr(0, max_bytes * 4)), max_bytes);
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](uint32_t c, std::string_view bytes) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        append_visible(out, c, bytes);
    }
  });
  return out;
}

std::string escape_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_character(text, [&](uint32_t c, std::string_view bytes) {
    char code[16];
    if (c == kInvalid) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_control(c) || is_layout(c) || c == '<' || c == '>' || c == '&') {
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += bytes;
    }
  });
  return out;
}

std::string json_string(std::string_view text) {
  return '"' + escape_json(text) + '"';
}

std::string escape_mrkdwn(std::string_view text, size_t max_bytes) {
  std::string out;
  bool was_cut = false;
  for_each_character(text, [&](uint32_t c, std::string_view bytes) {
    if (was_cut) return;
    std::string piece;
    if (c == '&')
      piece = "&amp;";
    else if (c == '<')
      piece = "&lt;";
    else if (c == '>')
      piece = "&gt;";
    else if (c == '`')
      piece = kModifierGrave;
    else if (c == kInvalid || is_control(c) || is_layout(c))
      piece = " ";
    else
      piece = bytes;
    if (out.size() + piece.size() + 3 > max_bytes) {
      was_cut = true;
      return;
    }
    out += piece;
  });
  return was_cut ? out + "..." : out;
}

std::string escape_markdown(std::string_view text) {
  std::string out;
  for_each_character(text, [&](uint32_t c, std::string_view bytes) {
    if (c == '`')
      out += kModifierGrave;
    else if (c == '|')
      out += "&#124;";
    else if (c == '<')
      out += "&lt;";
    else
      append_visible(out, c, bytes);
  });
  return out;
}

std::string escape_prompt(std::string_view text, size_t max_bytes) {
  return cut(escape_terminal(text.substr(0, max_bytes * 4)), max_bytes);
}

}  // namespace watchfire
