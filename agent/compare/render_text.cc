#include <algorithm>
#include <cstdio>
#include <span>

#include "agent/compare/render.h"
#include "agent/compare/sentences.h"
#include "base/untrusted_text.h"

namespace watchfire::agent {
namespace {

using profile::Estimate;
using profile::MatrixRow;
using profile::Place;

constexpr size_t kLabelColumns = 34;
constexpr size_t kHeadrooms = 4;

/// Characters a terminal shows; escaped text is UTF-8.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string padded(const std::string& text, size_t width, bool right = false) {
  size_t n = columns_of(text);
  std::string blanks(n < width ? width - n : 0, ' ');
  return right ? blanks + text : text + blanks;
}

/// Escaped; cut in the middle when it is longer, since both ends of a name tell it apart.
std::string label(const std::string& text, size_t width) {
  std::string all = escape_terminal(text);
  if (columns_of(all) <= width) return all;
  auto border = [&](size_t at) {
    while (at < all.size() && (all[at] & 0xc0) == 0x80) ++at;
    return at;
  };
  return all.substr(0, border(width / 3)) + "…" + all.substr(border(all.size() - (width - width / 3 - 1)));
}

/// Escaped; lines after the first are indented by as much as `first` takes.
std::string wrapped(const std::string& text, size_t width, const std::string& first) {
  std::string out, line;
  std::string indent = first, further(columns_of(first), ' ');
  std::string escaped = escape_terminal(text);
  for (size_t at = 0; at < escaped.size();) {
    size_t end = std::min(escaped.find(' ', at), escaped.size());
    std::string word = escaped.substr(at, end - at);
    if (!line.empty() && columns_of(indent + line) + 1 + columns_of(word) > width) {
      out += indent + line + "\n";
      indent = further;
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return out + indent + line + "\n";
}

/// A, B ... Z, then 27, 28: what stands above a column of the matrix.
std::string column_name(size_t position) {
  return position < 26 ? std::string(1, static_cast<char>('A' + position)) : std::to_string(position + 1);
}

std::string ratio_text(const Place& p) {
  char text[64];
  if (p.ratio_error == 0)
    std::snprintf(text, sizeof text, "%.2fx", p.ratio);
  else
    std::snprintf(text, sizeof text, "%.2fx ± %.2f", p.ratio, p.ratio_error);
  return text;
}

std::string ranking(const Section& s) {
  Amounts amounts(s);
  size_t names = 14;
  for (const std::string& n : s.matrix.names) names = std::max(names, std::min(kLabelColumns, columns_of(n)));
  std::string out = "    rank  " + padded("implementation", names) + padded(s.resource(), 20, true) +
                    padded("of the least", 16, true) + padded("samples", 10, true) + "\n";
  for (size_t i = 0; i < s.matrix.ranking.size(); ++i) {
    const Place& p = s.matrix.ranking[i];
    const Estimate& total = s.matrix.totals[p.candidate];
    char samples[32];
    std::snprintf(samples, sizeof samples, "%.0f", total.samples);
    std::string runs =
        s.matrix.runs[p.candidate] > 1 ? " in " + std::to_string(s.matrix.runs[p.candidate]) + " runs" : "";
    out += "  " + padded(column_name(i), 2) + padded(rank_text(p), 6) +
           padded(label(s.matrix.names[p.candidate], names), names) + padded(amounts.with_error(total), 20, true) +
           padded(ratio_text(p), 16, true) + padded(samples, 10, true) + runs + "\n";
  }
  return out;
}

std::string cell(const Estimate& e, const Estimate& total, const Amounts& amounts) {
  if (e.value == 0) return "-";
  char share[32];
  std::snprintf(share, sizeof share, "%4.0f%%", total.value == 0 ? 0 : 100 * e.value / total.value);
  return amounts.number(e.value) + share;
}

/// The columns [first, last) of a matrix.
std::string matrix_part(const Section& s, const std::string& title, std::span<const MatrixRow> rows, bool functions,
                        size_t width, size_t first, size_t last) {
  Amounts amounts(s);
  std::string out =
      "  " +
      padded(title + " (" + (amounts.unit().empty() ? "" : amounts.unit().substr(1) + ", ") + "share)", kLabelColumns);
  for (size_t i = first; i < last; ++i) out += padded(column_name(i), width, true);
  out += "\n";
  for (const MatrixRow& row : rows) {
    const std::string& name = functions ? row.part.function : row.part.component;
    out += "  " +
           padded(label(functions ? function_label(name) : component_label(s, name), kLabelColumns - 1), kLabelColumns);
    for (size_t i = first; i < last; ++i) {
      const Place& p = s.matrix.ranking[i];
      out += padded(cell(row.cells[p.candidate], s.matrix.totals[p.candidate], amounts), width, true);
    }
    out += "\n";
  }
  return out;
}

std::string matrix(const Section& s, const std::string& title, const std::vector<MatrixRow>& rows, bool functions,
                   const RenderOptions& o) {
  size_t width = columns_of(Amounts(s).number(s.matrix.totals[s.matrix.ranking.back().candidate].value)) + 7;
  size_t columns = s.matrix.ranking.size(), in_part = columns;
  if (o.matrix_width != 0) {
    size_t room = o.matrix_width - std::min(o.matrix_width, kLabelColumns + 2);
    in_part = std::max<size_t>(1, room / width);
  }
  auto shown = std::span(rows).first(std::min(o.rows, rows.size()));
  std::string out;
  for (size_t first = 0; first < columns; first += in_part) {
    if (first != 0) out += "\n";
    out += matrix_part(s, title, shown, functions, width, first, std::min(first + in_part, columns));
  }
  size_t left = rows.size() - shown.size();
  if (left > 0) out += "  and " + std::to_string(left) + " smaller ones (--rows)\n";
  return out;
}

std::string holds_back(const Section& s, size_t width) {
  Amounts amounts(s);
  std::string out;
  for (const Headroom& h : headroom(s, kHeadrooms)) out += wrapped(headroom_text(s, h, amounts), width, "    ");
  return out;
}

std::string section_text(const Comparison& c, const Section& s, const RenderOptions& o) {
  std::string out = "\n" + escape_terminal(s.title()) + "\n\n" + ranking(s) + "\n";
  for (size_t i = 0; i < s.matrix.ranking.size(); ++i)
    out += wrapped(explanation(s, s.matrix.ranking[i], c.min_samples), o.width, "  " + padded(column_name(i), 3));
  out += "\n" + wrapped("What holds " + s.matrix.names[s.matrix.ranking[0].candidate] + " back", o.width, "  ");
  out += holds_back(s, o.width) + "\n";
  out += matrix(s, "component", s.matrix.components, false, o) + "\n";
  return out + matrix(s, "own function", s.matrix.functions, true, o);
}

}  // namespace

std::string comparison_text(const Comparison& comparison, const RenderOptions& options) {
  std::string out;
  for (const std::string& v : verdict(comparison)) out += wrapped(v, options.width, "");
  for (const Section& s : comparison.sections) out += section_text(comparison, s, options);
  out += "\n" + wrapped(std::string(legend()), options.width, "");
  for (const std::string& n : comparison.notes) out += wrapped("note: " + n, options.width, "");
  return out;
}

}  // namespace watchfire::agent
