#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <vector>

#include "base/fd.h"
#include "base/untrusted_text.h"
#include "profile/text_format.h"

namespace watchfire::cli {
namespace {

constexpr std::string_view kBold = "\033[1m", kRed = "\033[31m", kYellow = "\033[33m", kGreen = "\033[32m";
constexpr double kLargeShare = 10, kNotableShare = 2;  // percent

/// How a line of a report looks, by its second column, a share, and the sign of the first.
std::string_view style_of(std::string_view line) {
  size_t first = line.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  if (line.substr(first).starts_with("flat ") || line.starts_with("Showing nodes")) return kBold;
  size_t blank = line.find(' ', first);
  size_t second = blank == std::string_view::npos ? blank : line.find_first_not_of(' ', blank);
  if (second == std::string_view::npos) return {};
  double share = 0;
  auto [end, error] = std::from_chars(line.data() + second, line.data() + line.size(), share);
  if (error != std::errc() || end == line.data() + line.size() || *end != '%' || share < kNotableShare) return {};
  if (line[first] == '-') return kGreen;
  return share >= kLargeShare ? kRed : kYellow;
}

/// At most `width` characters; the last one shows that there was more.
std::string cut(std::string_view line, size_t width) {
  if (width == 0 || profile::rune_count(line) <= width) return std::string(line);
  size_t at = 0;
  for (size_t seen = 0; at < line.size(); ++at) {
    bool starts_character = (static_cast<unsigned char>(line[at]) & 0xc0) != 0x80;
    if (starts_character && seen++ == width - 1) break;
  }
  return std::string(line.substr(0, at)) + "\xe2\x80\xa6";
}

}  // namespace

std::string escape_lines(std::string_view text) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    size_t end = std::min(text.find_first_of("\n\t", at), text.size());
    out += escape_terminal(text.substr(at, end - at));
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

bool color_wanted(std::string_view mode) {
  if (mode != "auto") return mode == "always";
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  bool dumb = terminal == nullptr || *terminal == 0 || std::string_view(terminal) == "dumb";
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == 0) && !dumb;
}

size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string for_terminal(const std::string& text, bool color, size_t width) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    std::string_view style = color ? style_of(line) : "";
    out += style;
    out += cut(line, width);
    if (!style.empty()) out += "\033[0m";
    if (end < text.size()) out += '\n';
    at = end + 1;
  }
  return out;
}

void print_untrusted(std::string_view text) {
  print_bytes(escape_lines(text));
}

void print_bytes(std::string_view bytes) {
  (void)write_all(STDOUT_FILENO, bytes);
}

int print_error(const Error& error) {
  std::string text = "watchfire: " + escape_terminal(error.message) + "\n";
  if (!error.hint.empty()) text += "  " + escape_terminal(error.hint) + "\n";
  (void)write_all(STDERR_FILENO, text);
  if (error.code == ErrorCode::kUnavailable) return kExitNoDaemon;
  return error.code == ErrorCode::kNotFound ? kExitNothing : kExitFailed;
}

int print_file_error(const Error& error) {
  print_error(error);
  return kExitFailed;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      out += row[c];
      if (c + 1 < row.size()) out.append(widths[c] - row[c].size() + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace watchfire::cli
