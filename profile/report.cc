#include "profile/report.h"

#include "profile/measurement.h"
#include "profile/paths.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

constexpr std::string_view kBaseLabel = "pprof::base";

/// What each report fixes whatever the options say.
ReportOptions with_overrides(ReportKind kind, ReportOptions o) {
  bool trim = o.trim;
  switch (kind) {
    case ReportKind::kPeek:
      trim = false;
      break;
    case ReportKind::kList:
      trim = false;
      o.granularity = Granularity::kLines;
      break;
    case ReportKind::kTop:
    case ReportKind::kTopProto:
      if (o.node_count == -1) o.node_count = 0;
      break;
    default:
      if (o.node_count == -1) o.node_count = 80;
      break;
  }
  if (kind == ReportKind::kProto || kind == ReportKind::kRaw || kind == ReportKind::kCallgrind) {
    trim = false;
    o.granularity = Granularity::kAddresses;
  }
  if (!trim) {
    o.node_count = 0;
    o.node_fraction = 0;
    o.edge_fraction = 0;
  }
  return o;
}

std::vector<std::string> split_keys(std::string_view list) {
  std::vector<std::string> keys;
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find(',', at), list.size());
    if (end > at) keys.emplace_back(list.substr(at, end - at));
    at = end + 1;
  }
  return keys;
}

std::vector<std::string> filter_texts(const Filters& f) {
  const std::pair<std::string_view, const std::string&> fields[] = {
      {"focus", f.focus},         {"ignore", f.ignore},       {"hide", f.hide},
      {"show", f.show},           {"show_from", f.show_from}, {"tagfocus", f.tagfocus},
      {"tagignore", f.tagignore}, {"tagshow", f.tagshow},     {"taghide", f.taghide}};
  std::vector<std::string> texts;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) texts.push_back(std::string(name) + "=" + value);
  }
  return texts;
}

}  // namespace

Report::Report(Profile p, ReportKind kind, ReportOptions options)
    : profile_(std::move(p)), kind_(kind), options_(with_overrides(kind, std::move(options))) {}

Result<std::unique_ptr<Report>> Report::prepare(Profile p, ReportKind kind, ReportOptions options,
                                                std::string_view symbol, std::vector<std::string>& notes) {
  std::unique_ptr<Report> report(new Report(std::move(p), kind, std::move(options)));
  WF_TRY(report->run(symbol, notes));
  return report;
}

Status Report::run(std::string_view symbol, std::vector<std::string>& notes) {
  label_units_ = profile::label_units(profile_, notes);
  add_tag_frames_of_options(notes);
  if (options_.relative_percentages) WF_TRY(apply_filters(profile_, options_.filters, label_units_, notes));
  WF_ASSIGN(column_, sample_index(profile_, options_.sample_index));
  if (options_.divide_by == 0) return fail(ErrorCode::kInvalidArgument, "zero divisor specified");
  ratio_ = 1 / options_.divide_by;
  output_unit_ = options_.unit;
  active_filters_ = filter_texts(options_.filters);
  if (!profile_.mappings.empty() && profile_.mappings[0].file != 0) {
    title_ = base_name(profile_.text(profile_.mappings[0].file));
  }
  if (!symbol.empty()) {
    auto regex = Regex::compile(symbol);
    if (!regex) {
      return fail(ErrorCode::kInvalidArgument,
                  "parsing argument regexp " + std::string(symbol) + ": " + regex.error().message);
    }
    symbol_ = *std::move(regex);
  }
  compute_total();
  if (!options_.relative_percentages) WF_TRY(apply_filters(profile_, options_.filters, label_units_, notes));
  aggregate(profile_, options_.granularity, options_.no_inlines, options_.show_columns);
  return {};
}

void Report::add_tag_frames_of_options(std::vector<std::string>& notes) {
  auto matches = add_tag_frames(profile_, split_keys(options_.tagroot), split_keys(options_.tagleaf), options_.unit);
  if (!options_.tagroot.empty() && !matches.root) notes.push_back("TagRoot expression matched no samples");
  if (!options_.tagleaf.empty() && !matches.leaf) notes.push_back("TagLeaf expression matched no samples");
}

void Report::compute_total() {
  std::vector<bool> is_base(profile_.label_sets.size(), false);
  for (uint32_t s = 0; s < is_base.size(); ++s) is_base[s] = has_label(profile_, s, kBaseLabel, "true");
  int64_t total = 0, div = 0, base_total = 0, base_div = 0;
  for (size_t i = 0; i < profile_.sample_count(); ++i) {
    int64_t v = wrapping_abs(value(i));
    int64_t d = divisor(i);
    total = wrapping_add(total, v);
    div = wrapping_add(div, d);
    if (!is_base[profile_.sample_label_sets[i]]) continue;
    base_total = wrapping_add(base_total, v);
    base_div = wrapping_add(base_div, d);
  }
  if (base_total > 0) {
    total = base_total;
    div = base_div;
  }
  total_ = div != 0 ? wrapping_divide(total, div) : total;
}

std::string Report::sample_type_label() const {
  return (options_.mean ? "mean_" : "") + std::string(sample_type());
}

int64_t Report::divided(int64_t value) const {
  return ratio_ > 0 && ratio_ != 1 ? truncated(static_cast<double>(value) * ratio_) : value;
}

std::string Report::format(int64_t value) const {
  return scaled_label(divided(value), sample_unit(), output_unit_);
}

GraphBuilder& Report::builder() {
  if (builder_) return *builder_;
  trim_file_names(profile_, options_.trim_path, options_.source_path);
  clean_file_names(profile_);
  GraphOptions g;
  g.column = column_;
  g.mean = options_.mean;
  g.call_tree = options_.call_tree && (kind_ == ReportKind::kDot || kind_ == ReportKind::kCallgrind);
  g.drop_negative = options_.drop_negative;
  g.object_names = kind_ == ReportKind::kRaw || kind_ == ReportKind::kList || kind_ == ReportKind::kCallgrind;
  if (kind_ == ReportKind::kTop || kind_ == ReportKind::kTopProto) g.edges = GraphEdges::kInlined;
  builder_ = std::make_unique<GraphBuilder>(profile_, g);
  return *builder_;
}

Graph Report::full_graph() {
  return builder().build();
}

bool Report::trim_by_weight(TrimmedGraph& t, int64_t cutoff, bool tree) {
  std::vector<uint32_t> kept = nodes_above(t.graph, cutoff);
  if (kept.size() == t.graph.order.size()) return false;
  t.dropped_nodes = t.graph.order.size() - kept.size();
  if (tree) {
    trim_tree(t.graph, kept);
  } else {
    t.graph = builder().rebuild(t.graph, kept);
  }
  return true;
}

TrimmedGraph Report::trimmed_graph() {
  bool visual = kind_ == ReportKind::kDot;
  bool tree = options_.call_tree && (visual || kind_ == ReportKind::kCallgrind);
  NodeOrder order = visual ? NodeOrder::kEntropy : options_.cum_sort ? NodeOrder::kCum : NodeOrder::kFlat;
  TrimmedGraph t;
  t.graph = builder().build();
  auto sum = static_cast<double>(sum_of_flat(t.graph));
  int64_t node_cutoff = wrapping_abs(truncated(sum * options_.node_fraction));
  int64_t edge_cutoff = wrapping_abs(truncated(sum * options_.edge_fraction));
  if (tree && visual) builder().add_tags(t.graph, label_units_, output_unit_);  // trees are cut, never rebuilt
  if (node_cutoff > 0) trim_by_weight(t, node_cutoff, tree);
  if (visual && !tree) builder().add_tags(t.graph, label_units_, output_unit_);
  t.original_count = t.graph.order.size();
  sort_nodes(t.graph, order);
  if (options_.node_count > 0) {
    trim_low_tags(t.graph, node_cutoff);
    trim_low_edges(t.graph, edge_cutoff);
    std::vector<uint32_t> kept = top_nodes(t.graph, static_cast<size_t>(options_.node_count), visual);
    if (kept.size() != t.graph.order.size()) {
      if (tree) {
        trim_tree(t.graph, kept);
      } else {
        t.graph = builder().rebuild(t.graph, kept);
        if (visual) builder().add_tags(t.graph, label_units_, output_unit_);
      }
      sort_nodes(t.graph, order);
    }
  }
  trim_low_tags(t.graph, node_cutoff);
  t.dropped_edges = trim_low_edges(t.graph, edge_cutoff);
  if (visual) remove_redundant_edges(t.graph);
  choose_output_unit(t.graph);
  return t;
}

void Report::choose_output_unit(const Graph& g) {
  if (output_unit_ != "minimum" || g.order.empty()) return;
  int64_t least = 0;
  for (uint32_t i : g.order) {
    int64_t v = wrapping_abs(g.nodes[i].flat_value());
    if (v == 0) v = wrapping_abs(g.nodes[i].cum_value());
    if (v > 0 && (least == 0 || v < least)) least = v;
  }
  int64_t most = total_;
  if (least == 0) least = most;
  least = divided(least);
  most = divided(most);
  std::string unit = scale(least, sample_unit(), "minimum").unit;
  std::string most_unit = scale(most, sample_unit(), "minimum").unit;
  int64_t hundredfold = wrapping_multiply(least, 100);
  if (unit != most_unit && hundredfold < most && kind_ != ReportKind::kCallgrind) {
    unit = scale(hundredfold, sample_unit(), "minimum").unit;
  }
  output_unit_ = unit.empty() ? std::string(sample_unit()) : unit;
}

}  // namespace watchfire::profile
