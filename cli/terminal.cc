#include "cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/fd.h"
#include "base/untrusted_text.h"

namespace watchfire::cli {

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
  return error.code == ErrorCode::kUnavailable ? kExitNoDaemon : kExitFailed;
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
