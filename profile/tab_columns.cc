#include "profile/tab_columns.h"

#include <algorithm>
#include <vector>

#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

/// One line: its cells, the last one after the last tab.
using Cells = std::vector<std::string_view>;

std::vector<Cells> split(std::string_view text) {
  std::vector<Cells> lines(1);
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i != text.size() && text[i] != '\t' && text[i] != '\n') continue;
    lines.back().push_back(text.substr(begin, i - begin));
    begin = i + 1;
    if (i != text.size() && text[i] == '\n') lines.emplace_back();
  }
  return lines;
}

}  // namespace

std::string align_right(std::string_view text) {
  std::vector<Cells> lines = split(text);
  std::vector<std::vector<size_t>> widths(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    // Column c starts at the first line that has it; all lines of its block get its width at once.
    for (size_t c = widths[i].size(); c + 1 < lines[i].size(); ++c) {
      size_t width = 0;
      size_t end = i;
      while (end < lines.size() && lines[end].size() > c + 1) width = std::max(width, rune_count(lines[end++][c]) + 1);
      for (size_t j = i; j < end; ++j) {
        if (widths[j].size() == c) widths[j].push_back(width);
      }
    }
  }
  std::string out;
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t c = 0; c < lines[i].size(); ++c)
      append_right(out, lines[i][c], c < widths[i].size() ? widths[i][c] : 0);
    if (i + 1 != lines.size()) out += '\n';
  }
  return out;
}

}  // namespace watchfire::profile
