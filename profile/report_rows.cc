#include "profile/report_rows.h"

#include <algorithm>

#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

TopRow row_of(const Graph& g, uint32_t i) {
  const Node& n = g.nodes[i];
  const NodeInfo& info = g.info(i);
  TopRow row;
  row.name = g.name(i);
  row.function = g.table->text(info.name);
  row.file = g.table->text(info.file);
  row.object = g.table->text(info.object);
  row.line = info.line;
  row.flat = n.flat_value();
  row.cum = n.cum_value();
  bool inlined = false;
  bool called = false;
  for (uint32_t e : n.in) (g.edges[e].is_inline ? inlined : called) = true;
  if (inlined) row.inlining = called ? Inlining::kPartial : Inlining::kAll;
  return row;
}

/// Cuts the full tree, heaviest nodes first, so that a limit on their number keeps what matters most.
class TreeCutter {
 public:
  TreeCutter(const Graph& g, const CallTreeLimits& limits, CallTree& out)
      : g_(g),
        limits_(limits),
        out_(out),
        cutoff_(std::max<int64_t>(1, truncated(static_cast<double>(wrapping_abs(out.total)) * limits.min_fraction))) {}

  void run() {
    out_.nodes.push_back({.name = "root", .total = 0});
    std::vector<uint32_t> roots;
    for (uint32_t i : g_.order) {
      if (g_.nodes[i].in.empty()) roots.push_back(i);
    }
    for (uint32_t i : roots) out_.nodes[0].total = wrapping_add(out_.nodes[0].total, g_.nodes[i].cum_value());
    offer(0, roots, 1);
    while (!candidates_.empty() && out_.nodes.size() < limits_.max_nodes) {
      std::pop_heap(candidates_.begin(), candidates_.end());
      Candidate c = candidates_.back();
      candidates_.pop_back();
      take(c);
    }
    for (const Candidate& c : candidates_) leave_out(c.parent, c.node);
  }

 private:
  struct Candidate {
    int64_t weight;
    uint32_t node;
    uint32_t parent;
    size_t depth;
    bool operator<(const Candidate& other) const {
      return weight != other.weight ? weight < other.weight : node > other.node;
    }
  };

  void leave_out(uint32_t parent, uint32_t node) {
    CallTree::Node& p = out_.nodes[parent];
    p.others = wrapping_add(p.others, g_.nodes[node].cum_value());
  }

  void offer(uint32_t parent, const std::vector<uint32_t>& nodes, size_t depth) {
    for (uint32_t node : nodes) {
      int64_t weight = wrapping_abs(g_.nodes[node].cum_value());
      if (weight < cutoff_ || depth > limits_.max_depth) {
        leave_out(parent, node);
        continue;
      }
      candidates_.push_back({weight, node, parent, depth});
      std::push_heap(candidates_.begin(), candidates_.end());
    }
  }

  void take(const Candidate& c) {
    auto index = static_cast<uint32_t>(out_.nodes.size());
    const NodeInfo& info = g_.info(c.node);
    out_.nodes.push_back({.name = g_.name(c.node),
                          .file = std::string(g_.table->text(info.file)),
                          .self = g_.nodes[c.node].flat_value(),
                          .total = g_.nodes[c.node].cum_value(),
                          .parent = c.parent});
    out_.nodes[c.parent].children.push_back(index);
    std::vector<uint32_t> children;
    for (uint32_t e : g_.nodes[c.node].out) children.push_back(g_.edges[e].destination);
    offer(index, children, c.depth + 1);
  }

  const Graph& g_;
  const CallTreeLimits& limits_;
  CallTree& out_;
  int64_t cutoff_;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::vector<TopRow> rows_of(const Graph& g) {
  std::vector<TopRow> rows;
  rows.reserve(g.order.size());
  for (uint32_t i : g.order) rows.push_back(row_of(g, i));
  return rows;
}

Result<TopRows> top_rows(Profile p, const ReportOptions& options) {
  std::vector<std::string> notes;
  WF_ASSIGN(auto report, Report::prepare(std::move(p), ReportKind::kTop, options, "", notes));
  TrimmedGraph t = report->trimmed_graph();
  TopRows result;
  result.rows = rows_of(t.graph);
  for (const TopRow& row : result.rows) result.shown = wrapping_add(result.shown, row.flat);
  result.total = report->total();
  result.all_nodes = t.original_count;
  result.dropped_nodes = t.dropped_nodes;
  result.sample_type = report->sample_type_label();
  result.unit = report->sample_unit();
  return result;
}

Result<std::vector<PeekRow>> peek_rows(Profile p, const ReportOptions& options, std::string_view regex) {
  std::vector<std::string> notes;
  WF_ASSIGN(auto report, Report::prepare(std::move(p), ReportKind::kPeek, options, regex, notes));
  TrimmedGraph t = report->trimmed_graph();
  const Graph& g = t.graph;
  std::vector<PeekRow> rows;
  for (uint32_t i : g.order) {
    if (report->symbol() != nullptr && !report->symbol()->matches(g.name(i))) continue;
    PeekRow& row = rows.emplace_back();
    row.row = row_of(g, i);
    for (uint32_t e : g.sorted(g.nodes[i].in)) {
      row.callers.push_back({g.name(g.edges[e].source), g.edges[e].value(), g.edges[e].is_inline});
    }
    for (uint32_t e : g.sorted(g.nodes[i].out)) {
      row.callees.push_back({g.name(g.edges[e].destination), g.edges[e].value(), g.edges[e].is_inline});
    }
  }
  if (rows.empty()) return fail(ErrorCode::kNotFound, "no matches found for regexp: " + std::string(regex));
  return rows;
}

Result<CallTree> call_tree(Profile p, const ReportOptions& options, const CallTreeLimits& limits) {
  std::vector<std::string> notes;
  ReportOptions tree_options = options;
  tree_options.call_tree = true;
  WF_ASSIGN(auto report, Report::prepare(std::move(p), ReportKind::kDot, tree_options, "", notes));
  Graph g = report->full_graph();
  CallTree tree;
  tree.total = report->total();
  tree.sample_type = report->sample_type_label();
  tree.unit = report->sample_unit();
  TreeCutter(g, limits, tree).run();
  return tree;
}

}  // namespace watchfire::profile
