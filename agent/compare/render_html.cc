#include <algorithm>
#include <cstdio>

#include "agent/compare/render.h"
#include "agent/compare/sentences.h"
#include "base/untrusted_text.h"

namespace watchfire::agent {
namespace {

using profile::Estimate;
using profile::MatrixRow;
using profile::Place;

constexpr size_t kHeadrooms = 6;

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>watchfire compare</title>
<style>
:root { color-scheme: light dark; --text: #1b1f24; --dim: #59636e; --page: #fff; --line: #d1d9e0; --heat: 214, 90, 30; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ed; --dim: #9aa4af; --page: #14171b; --line: #353b43; --heat: 240, 130, 60; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 2rem auto; max-width: 84rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { font-weight: 600; } th:first-child, td.name { text-align: left; }
td.cell { background: rgba(var(--heat), var(--share)); } td small, .dim { color: var(--dim); }
td.cell small { color: inherit; opacity: .8; }
li { margin: .3rem 0; overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>Comparison</h1>
)";

std::string escaped(std::string_view text) {
  return escape_html(text);
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string list_of(const std::vector<std::string>& sentences, std::string_view tag) {
  std::string out = "<" + std::string(tag) + ">\n";
  for (const std::string& s : sentences) out += "<li>" + escaped(s) + "</li>\n";
  return out + "</" + std::string(tag) + ">\n";
}

std::string ranking(const Section& s) {
  Amounts amounts(s);
  std::string out = "<div class=\"scroll\"><table>\n<tr><th>rank</th><th>implementation</th><th>" +
                    escaped(s.resource()) + "</th><th>of the least</th><th>samples</th><th>runs</th></tr>\n";
  for (const Place& p : s.matrix.ranking) {
    const Estimate& total = s.matrix.totals[p.candidate];
    out += "<tr><td class=\"name\">" + rank_text(p) + "</td><td class=\"name\">" +
           escaped(s.matrix.names[p.candidate]) + "</td><td>" + escaped(amounts.with_error(total)) + "</td><td>" +
           fixed(p.ratio, 2) + "x" + (p.ratio_error > 0 ? " ± " + fixed(p.ratio_error, 2) : "") + "</td><td>" +
           fixed(total.samples, 0) + "</td><td>" + std::to_string(s.matrix.runs[p.candidate]) + "</td></tr>\n";
  }
  return out + "</table></div>\n";
}

/// The darker, the larger a part of the costliest implementation's total.
std::string cell(const Estimate& e, const Estimate& total, double costliest, const Amounts& amounts) {
  if (e.value == 0) return "<td class=\"dim\">–</td>";
  double heat = costliest > 0 ? std::clamp(e.value / costliest, 0.0, 1.0) * 0.8 : 0;
  double share = total.value == 0 ? 0 : e.value / total.value;
  return "<td class=\"cell\" style=\"--share:" + fixed(heat, 3) + "\" title=\"" +
         escaped(amounts.with_error(e) + ", " + share_text(share, profile::Matrix::share_error(share, total.samples))) +
         "\">" + escaped(amounts.number(e.value)) + " <small>" + fixed(100 * share, 0) + "%</small></td>";
}

std::string matrix(const Section& s, const std::string& title, const std::vector<MatrixRow>& rows, bool functions,
                   size_t max) {
  Amounts amounts(s);
  double costliest = 0;
  for (const Estimate& e : s.matrix.totals) costliest = std::max(costliest, e.value);
  std::string out = "<div class=\"scroll\"><table>\n<tr><th>" + title + "<small class=\"dim\">" +
                    escaped(amounts.unit()) + " and share</small></th>";
  for (const Place& p : s.matrix.ranking) out += "<th>" + escaped(s.matrix.names[p.candidate]) + "</th>";
  out += "</tr>\n";
  for (size_t r = 0; r < std::min(max, rows.size()); ++r) {
    const std::string& name = functions ? rows[r].part.function : rows[r].part.component;
    out += "<tr><td class=\"name\" title=\"" + escaped(name) + "\">" +
           escaped(functions ? function_label(name) : component_label(s, name)) + "</td>";
    for (const Place& p : s.matrix.ranking)
      out += cell(rows[r].cells[p.candidate], s.matrix.totals[p.candidate], costliest, amounts);
    out += "</tr>\n";
  }
  out += "</table></div>\n";
  if (rows.size() > max) out += "<p class=\"dim\">and " + std::to_string(rows.size() - max) + " smaller ones</p>\n";
  return out;
}

std::string holds_back(const Section& s) {
  Amounts amounts(s);
  std::vector<std::string> items;
  for (const Headroom& h : headroom(s, kHeadrooms)) items.push_back(headroom_text(s, h, amounts));
  return "<h3>What holds " + escaped(s.matrix.names[s.matrix.ranking[0].candidate]) + " back</h3>\n" +
         list_of(items, "ul");
}

std::string section_html(const Comparison& c, const Section& s, const RenderOptions& o) {
  std::vector<std::string> sentences;
  for (const Place& p : s.matrix.ranking) sentences.push_back(explanation(s, p, c.min_samples));
  return "<h2>" + escaped(s.title()) + "</h2>\n" + ranking(s) + list_of(sentences, "ol") + holds_back(s) +
         "<h3>Components</h3>\n" + matrix(s, "component ", s.matrix.components, false, o.rows) +
         "<h3>Own functions</h3>\n" + matrix(s, "function ", s.matrix.functions, true, o.rows);
}

}  // namespace

std::string comparison_html(const Comparison& comparison, const RenderOptions& options) {
  std::string out(kHead);
  out += list_of(verdict(comparison), "ul");
  for (const Section& s : comparison.sections) out += section_html(comparison, s, options);
  out += "<p class=\"dim\">" + escaped(legend()) + "</p>\n";
  if (!comparison.notes.empty()) out += "<h2>Notes</h2>\n" + list_of(comparison.notes, "ul");
  return out + "</body>\n</html>\n";
}

}  // namespace watchfire::agent
