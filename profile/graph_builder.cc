#include "profile/graph_builder.h"

#include <algorithm>

#include "profile/measurement.h"
#include "profile/paths.h"
#include "profile/sample_edit.h"
#include "profile/sorted_labels.h"

namespace watchfire::profile {
namespace {

NodeInfo make_info(const Profile& p, const Location& l, const Line& line, bool object_names) {
  const Function& f = p.functions[line.function];
  NodeInfo info{.name = f.name, .file = f.file, .address = l.address, .line = line.line, .column = line.column};
  if (object_names || f.name == 0) {
    if (l.mapping != kNone) info.object = p.mappings[l.mapping].file;
    info.start_line = f.start_line;
  }
  return info;
}

/// Replaces each function's file by `change` of it.
template <typename Change>
void change_files(Profile& p, Change change) {
  std::vector<StringId> changed(p.strings.size(), kNone);
  for (Function& f : p.functions) {
    if (f.file == 0) continue;
    StringId& id = changed[f.file];
    if (id == kNone) id = p.strings.intern(change(p.text(f.file)));
    f.file = id;
  }
}

}  // namespace

void clean_file_names(Profile& p) {
  change_files(p, [](std::string_view path) { return clean_path(path); });
}

void trim_file_names(Profile& p, std::string_view trim_path, std::string_view source_path) {
  change_files(p, [&](std::string_view path) { return std::string(trim_source_path(path, trim_path, source_path)); });
}

GraphBuilder::GraphBuilder(const Profile& p, const GraphOptions& options) : profile_(p), options_(options), table_(p) {
  make_slots();
  sum_stacks();
}

void GraphBuilder::make_slots() {
  std::vector<bool> inlined_slot;
  slot_begin_.reserve(profile_.locations.size() + 1);
  for (const Location& l : profile_.locations) {
    slot_begin_.push_back(static_cast<uint32_t>(slots_.size()));
    auto lines = profile_.lines_of(l);
    for (size_t i = 0; i < lines.size(); ++i) {
      slots_.push_back(table_.intern(make_info(profile_, l, lines[i], options_.object_names)));
      inlined_slot.push_back(i + 1 != lines.size());
    }
    if (lines.empty()) {
      NodeInfo info{.address = l.address};
      if (l.mapping != kNone) info.object = profile_.mappings[l.mapping].file;
      slots_.push_back(table_.intern(info));
      inlined_slot.push_back(false);
    }
  }
  slot_begin_.push_back(static_cast<uint32_t>(slots_.size()));
  inlined_.assign(table_.size(), false);
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (inlined_slot[i]) inlined_[slots_[i]] = true;
  }
}

void GraphBuilder::sum_stacks() {
  sums_.resize(profile_.stacks.size());
  if (profile_.values.empty()) return;
  const int64_t* values = profile_.values[options_.column].data();
  const int64_t* divisors = options_.mean ? profile_.values[0].data() : nullptr;
  for (size_t i = 0; i < profile_.sample_count(); ++i) {
    StackSum& sum = sums_[profile_.sample_stacks[i]];
    int64_t divisor = divisors != nullptr ? divisors[i] : 0;
    if (values[i] == 0 && divisor == 0) continue;
    sum.value = wrapping_add(sum.value, values[i]);
    sum.divisor = wrapping_add(sum.divisor, divisor);
    sum.touched = true;
  }
}

Graph GraphBuilder::build() {
  last_was_kept_ = false;
  return options_.call_tree ? build_tree() : build_graph(nullptr);
}

Graph GraphBuilder::rebuild(const Graph& g, const std::vector<uint32_t>& kept) {
  last_was_kept_ = true;
  last_kept_.assign(table_.size(), false);
  for (uint32_t i : kept) last_kept_[g.nodes[i].info] = true;
  return build_graph(&last_kept_);
}

Graph GraphBuilder::build_graph(const std::vector<bool>* kept) {
  Graph g;
  g.table = &table_;
  g.nodes.resize(table_.size());
  for (uint32_t i = 0; i < g.nodes.size(); ++i) g.nodes[i].info = i;
  edge_index_ = {};
  node_stamp_.assign(table_.size(), kNone);
  edge_stamp_.clear();
  for (uint32_t s = 0; s < profile_.stacks.size(); ++s) {
    if (sums_[s].touched) walk_stack(s, kept, g);
  }
  for (uint32_t e = 0; e < g.edges.size(); ++e) {
    g.nodes[g.edges[e].source].out.push_back(e);
    g.nodes[g.edges[e].destination].in.push_back(e);
  }
  select_nodes(g);
  return g;
}

void GraphBuilder::walk_stack(uint32_t s, const std::vector<bool>* kept, Graph& g) {
  const StackSum& sum = sums_[s];
  auto stack = profile_.stacks[s];
  uint32_t parent = kNone;
  bool residual = false;
  for (size_t i = stack.size(); i-- > 0;) {
    auto nodes = location_nodes(stack[i]);
    for (size_t n = nodes.size(); n-- > 0;) {
      uint32_t node = nodes[n];
      if (kept != nullptr && !(*kept)[node]) {
        residual = true;
        continue;
      }
      if (node_stamp_[node] != s) {
        node_stamp_[node] = s;
        g.nodes[node].cum = wrapping_add(g.nodes[node].cum, sum.value);
        g.nodes[node].cum_div = wrapping_add(g.nodes[node].cum_div, sum.divisor);
      }
      bool wanted = options_.edges == GraphEdges::kAll || inlined_[node];
      if (parent != kNone && parent != node && wanted) {
        uint32_t e = edge_index_.intern(parent, node);
        if (e == g.edges.size()) {
          g.edges.push_back({.source = parent, .destination = node});
          edge_stamp_.push_back(kNone);
        }
        if (edge_stamp_[e] != s) {
          edge_stamp_[e] = s;
          Edge& edge = g.edges[e];
          edge.weight = wrapping_add(edge.weight, sum.value);
          edge.weight_div = wrapping_add(edge.weight_div, sum.divisor);
          edge.residual = edge.residual || residual;
          edge.is_inline = edge.is_inline && n + 1 != nodes.size();
        }
      }
      parent = node;
      residual = false;
    }
  }
  if (parent != kNone && !residual) {
    g.nodes[parent].flat = wrapping_add(g.nodes[parent].flat, sum.value);
    g.nodes[parent].flat_div = wrapping_add(g.nodes[parent].flat_div, sum.divisor);
  }
}

Graph GraphBuilder::build_tree() {
  Graph g;
  g.table = &table_;
  tree_index_ = {};
  std::vector<uint32_t> edge_into;  // by node; the only edge that ends there
  for (uint32_t s = 0; s < profile_.stacks.size(); ++s) {
    const StackSum& sum = sums_[s];
    if (!sum.touched) continue;
    auto stack = profile_.stacks[s];
    uint32_t parent = kNone;
    for (size_t i = stack.size(); i-- > 0;) {
      auto places = location_nodes(stack[i]);
      for (size_t n = places.size(); n-- > 0;) {
        uint32_t node = tree_index_.intern(parent + 1, places[n]);
        if (node == g.nodes.size()) {
          g.nodes.push_back({.info = places[n]});
          edge_into.push_back(kNone);
          if (parent != kNone) {
            edge_into[node] = static_cast<uint32_t>(g.edges.size());
            g.edges.push_back({.source = parent, .destination = node});
          }
        }
        g.nodes[node].cum = wrapping_add(g.nodes[node].cum, sum.value);
        g.nodes[node].cum_div = wrapping_add(g.nodes[node].cum_div, sum.divisor);
        if (parent != kNone) {
          Edge& edge = g.edges[edge_into[node]];
          edge.weight = wrapping_add(edge.weight, sum.value);
          edge.weight_div = wrapping_add(edge.weight_div, sum.divisor);
          edge.is_inline = edge.is_inline && n + 1 != places.size();
        }
        parent = node;
      }
    }
    if (parent == kNone) continue;
    g.nodes[parent].flat = wrapping_add(g.nodes[parent].flat, sum.value);
    g.nodes[parent].flat_div = wrapping_add(g.nodes[parent].flat_div, sum.divisor);
  }
  for (uint32_t e = 0; e < g.edges.size(); ++e) {
    g.nodes[g.edges[e].source].out.push_back(e);
    g.nodes[g.edges[e].destination].in.push_back(e);
  }
  select_nodes(g);
  return g;
}

void GraphBuilder::select_nodes(Graph& g) const {
  for (uint32_t i = 0; i < g.nodes.size(); ++i) {
    const Node& n = g.nodes[i];
    if (n.cum == 0 && n.flat == 0) continue;
    bool negative = n.flat < 0 || (n.flat == 0 && n.cum < 0);
    if (options_.drop_negative && negative) continue;
    g.order.push_back(i);
  }
}

}  // namespace watchfire::profile
