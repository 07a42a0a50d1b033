#include "profile/measurement.h"
#include "profile/report_print.h"
#include "profile/report_rows.h"
#include "profile/sample_edit.h"
#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

constexpr std::string_view kSeparator = "----------------------------------------------------------+-------------\n";
constexpr std::string_view kLegend = "      flat  flat%   sum%        cum   cum%   calls calls% + context \t \t \n";

/// Formatted numbers of one node: "   1.50s  5.00%  7.00%      2s 10.00%".
void append_numbers(std::string& out, const Report& r, int64_t flat, int64_t sum, int64_t cum) {
  append_right(out, r.format(flat), 10);
  out += ' ' + percentage(flat, r.total()) + ' ' + percentage(sum, r.total()) + ' ';
  append_right(out, r.format(cum), 10);
  out += ' ' + percentage(cum, r.total());
}

void append_edge(std::string& out, const Report& r, const Edge& e, int64_t cum, std::string_view name) {
  append_right(out, r.format(e.weight), 50);
  out += ' ' + percentage(e.weight, cum) + " |   ";
  out += name;
  if (e.is_inline) out += " (inline)";
  out += '\n';
}

}  // namespace

std::string print_top(Report& r) {
  TrimmedGraph t = r.trimmed_graph();
  std::string out = join_lines(r.header_lines(t));
  out += "      flat  flat%   sum%        cum   cum%\n";
  int64_t sum = 0;
  for (const TopRow& row : rows_of(t.graph)) {
    sum = wrapping_add(sum, row.flat);
    append_numbers(out, r, row.flat, sum, row.cum);
    out += "  " + row.name;
    if (row.inlining == Inlining::kAll) out += " (inline)";
    if (row.inlining == Inlining::kPartial) out += " (partial-inline)";
    out += '\n';
  }
  return out;
}

Result<std::string> print_tree(Report& r) {
  TrimmedGraph t = r.trimmed_graph();
  const Graph& g = t.graph;
  std::string out = join_lines(r.header_lines(t));
  out += kSeparator;
  out += kLegend;
  int64_t sum = 0;
  bool matched = false;
  for (uint32_t i : g.order) {
    const Node& n = g.nodes[i];
    if (r.symbol() != nullptr && !r.symbol()->matches(g.name(i))) continue;
    matched = true;
    int64_t cum = n.cum_value();
    out += kSeparator;
    for (uint32_t e : g.sorted(n.in)) append_edge(out, r, g.edges[e], cum, g.name(g.edges[e].source));
    sum = wrapping_add(sum, n.flat_value());
    append_numbers(out, r, n.flat_value(), sum, cum);
    out += "                | " + g.name(i) + '\n';
    for (uint32_t e : g.sorted(n.out)) append_edge(out, r, g.edges[e], cum, g.name(g.edges[e].destination));
  }
  if (!g.order.empty()) out += kSeparator;
  if (r.symbol() != nullptr && !matched) {
    return fail(ErrorCode::kNotFound, "no matches found for regexp: " + r.symbol()->pattern());
  }
  return out;
}

}  // namespace watchfire::profile
