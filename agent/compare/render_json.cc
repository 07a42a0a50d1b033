#include <algorithm>

#include "agent/compare/render.h"
#include "agent/compare/sentences.h"
#include "base/json_writer.h"

namespace watchfire::agent {
namespace {

using profile::Estimate;
using profile::Matrix;
using profile::MatrixRow;
using profile::Place;

void write_estimate(JsonWriter& w, const Estimate& e) {
  w.field("value", e.value).field("error", e.error());
}

void write_share(JsonWriter& w, const Estimate& part, const Estimate& total) {
  double share = total.value == 0 ? 0 : part.value / total.value;
  w.field("share", share).field("share_error", Matrix::share_error(share, total.samples));
}

void write_place(JsonWriter& w, const Section& s, const Place& p, double min_samples) {
  const Matrix& m = s.matrix;
  w.begin_object().field("implementation", m.names[p.candidate]).field("rank", uint64_t{p.rank});
  w.field("tied", p.tied).field("few_samples", p.few_samples);
  write_estimate(w, m.totals[p.candidate]);
  w.field("samples", m.totals[p.candidate].samples).field("runs", uint64_t{m.runs[p.candidate]});
  w.field("ratio", p.ratio).field("ratio_error", p.ratio_error);
  w.field("explanation", explanation(s, p, min_samples)).key("gaps").begin_array();
  for (const Gap& g : gaps(s, p.candidate, m.ranking[0].candidate)) {
    if (g.difference.value == 0) continue;
    w.begin_object().field("component", g.component);
    write_estimate(w, g.difference);
    w.field("is_chance", g.is_chance).field("function", g.function).field("of_function", g.of_function).end_object();
  }
  w.end_array().end_object();
}

/// Cells in the order of the ranking.
void write_rows(JsonWriter& w, const Section& s, const std::vector<MatrixRow>& rows, bool components, bool functions,
                size_t max) {
  w.begin_array();
  for (size_t r = 0; r < std::min(max, rows.size()); ++r) {
    w.begin_object();
    if (components) w.field("component", rows[r].part.component);
    if (functions) w.field("function", rows[r].part.function);
    w.key("cells").begin_array();
    for (const Place& p : s.matrix.ranking) {
      w.begin_object();
      write_estimate(w, rows[r].cells[p.candidate]);
      write_share(w, rows[r].cells[p.candidate], s.matrix.totals[p.candidate]);
      w.end_object();
    }
    w.end_array().end_object();
  }
  w.end_array();
}

void write_section(JsonWriter& w, const Section& s, const Comparison& c, size_t max) {
  w.begin_object().field("phase", s.phase).field("kind", s.kind).field("type", s.type).field("unit", s.unit);
  w.key("ranking").begin_array();
  for (const Place& p : s.matrix.ranking) write_place(w, s, p, c.min_samples);
  w.end_array().key("holds_back").begin_array();
  for (const Headroom& h : headroom(s, max)) {
    w.begin_object().field("component", h.part.component).field("function", h.part.function);
    write_estimate(w, h.cost);
    w.field("share", h.share).field("share_error", h.share_error).field("best_ratio", h.best_ratio).end_object();
  }
  w.end_array().key("components");
  write_rows(w, s, s.matrix.components, true, false, max);
  w.key("functions");
  write_rows(w, s, s.matrix.functions, false, true, max);
  w.key("parts");
  write_rows(w, s, s.matrix.parts, true, true, max);
  w.end_object();
}

}  // namespace

std::string comparison_json(const Comparison& comparison, const RenderOptions& options) {
  JsonWriter w;
  w.begin_object().field("min_samples", comparison.min_samples).key("verdict").begin_array();
  for (const std::string& v : verdict(comparison)) w.value(v);
  w.end_array().key("sections").begin_array();
  for (const Section& s : comparison.sections) write_section(w, s, comparison, options.rows);
  w.end_array().key("notes").begin_array();
  for (const std::string& n : comparison.notes) w.value(n);
  w.end_array().end_object();
  return w.release();
}

}  // namespace watchfire::agent
