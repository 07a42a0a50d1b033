#include "cli/go_text.h"

#include <charconv>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace watchfire::cli {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

Error number_error(std::string_view function, std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          "strconv." + std::string(function) + ": parsing " + go_quote(text) + ": " + std::string(why)};
}

// Length of the valid UTF-8 sequence at the start of the text, 0 when there is none.
size_t sequence_length(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  size_t n = at(0) < 0x80 ? 1 : at(0) >= 0xf0 && at(0) <= 0xf4 ? 4 : at(0) >= 0xe0 ? 3 : at(0) >= 0xc2 ? 2 : 0;
  if (at(0) > 0xf4 || n == 0 || text.size() < n) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  return n;
}

}  // namespace

bool go_parse_bool(std::string_view text, bool& out) {
  for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return out = true;
  }
  for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text != no) continue;
    out = false;
    return true;
  }
  return false;
}

Status go_bool_assign(std::string_view text, bool& out) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (std::string_view yes : {"true", "t", "yes", "y", "1", ""})
    if (lower == yes) return out = true, Status();
  for (std::string_view no : {"false", "f", "no", "n", "0"})
    if (lower == no) return out = false, Status();
  return fail(ErrorCode::kInvalidArgument, "illegal value \"" + std::string(text) + "\" for bool variable");
}

Status go_atoi(std::string_view text, int& out) {
  std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  long long number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool sign_twice = text.starts_with('+') && digits.starts_with('-');
  if (error == std::errc::invalid_argument || end != digits.data() + digits.size() || sign_twice)
    return fail(number_error("Atoi", text, "invalid syntax"));
  if (error == std::errc::result_out_of_range) return fail(number_error("Atoi", text, "value out of range"));
  out = static_cast<int>(std::min<long long>(std::max<long long>(number, INT_MIN), INT_MAX));
  return {};
}

Status go_parse_float(std::string_view text, double& out) {
  std::string copy(text);
  char* end = nullptr;
  double number = std::strtod(copy.c_str(), &end);
  bool blank_first = !copy.empty() && kBlanks.find(copy[0]) != std::string_view::npos;
  if (copy.empty() || blank_first || *end != '\0' || end != copy.c_str() + copy.size())
    return fail(number_error("ParseFloat", text, "invalid syntax"));
  bool finite_text = copy.find_first_of("iInN") == std::string::npos;
  if (std::isinf(number) && finite_text) return fail(number_error("ParseFloat", text, "value out of range"));
  out = number;
  return {};
}

std::string go_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  double size = std::fabs(value);
  bool scientific = size != 0 && (size < 1e-4 || size >= 1e21);
  char text[64];
  auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  return {text, std::to_chars(text, text + sizeof text, value, format).ptr};
}

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    size_t n = sequence_length(text);
    auto c = static_cast<unsigned char>(text[0]);
    constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\"\\", kLetters = "abfnrtv\"\\";
    char hex[8];
    if (n > 1) {
      out += text.substr(0, n);
    } else if (size_t at = kSpecial.find(text[0]); n == 1 && at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (n == 0 || c < 0x20 || c == 0x7f) {
      std::snprintf(hex, sizeof hex, "\\x%02x", c);
      out += hex;
    } else {
      out += text[0];
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out + '"';
}

std::vector<std::string> go_fields(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    size_t start = text.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return words;
    size_t end = std::min(text.find_first_of(kBlanks, start), text.size());
    words.emplace_back(text.substr(start, end - start));
    text.remove_prefix(end);
  }
}

std::string_view go_trim(std::string_view text) {
  size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

std::string go_seconds(int seconds) {
  std::string out;
  int hours = seconds / 3600, minutes = seconds / 60 % 60;
  if (hours != 0) out += std::to_string(hours) + "h";
  if (hours != 0 || minutes != 0) out += std::to_string(minutes) + "m";
  return out + std::to_string(seconds % 60) + "s";
}

}  // namespace watchfire::cli
