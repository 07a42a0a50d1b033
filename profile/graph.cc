#include "profile/graph.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "profile/paths.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

constexpr size_t kMaxNodelets = 4;

std::string hex16(uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(v));
  return text;
}

size_t count_flat_tags(const Node& n) {
  auto has_flat = [](const Tag& t) { return t.flat != 0; };
  return static_cast<size_t>(std::count_if(n.label_tags.begin(), n.label_tags.end(), has_flat) +
                             std::count_if(n.number_tags.begin(), n.number_tags.end(), has_flat));
}

double edge_entropy(const Graph& g, const std::vector<uint32_t>& edges, int64_t self) {
  int64_t total = self;
  for (uint32_t e : edges) {
    if (g.edges[e].weight > 0) total = wrapping_add(total, g.edges[e].weight);
  }
  if (total == 0) return 0;
  double score = 0;
  auto add = [&](int64_t weight) {
    double part = static_cast<double>(wrapping_abs(weight)) / static_cast<double>(total);
    score += -part * std::log2(part);
  };
  for (uint32_t e : edges) add(g.edges[e].weight);
  if (self > 0) add(self);
  return score;
}

/// How much a node tells in a drawing: its weight, less where it only passes calls through.
int64_t entropy_score(const Graph& g, const Node& n) {
  double score = 0;
  score += n.in.empty() ? 1 : edge_entropy(g, n.in, 0);
  score += n.out.empty() ? 1 : edge_entropy(g, n.out, n.flat);
  return wrapping_add(truncated(score * static_cast<double>(n.cum)), n.flat);
}

/// -1, 0, 1 as the printable names order; addresses by number.
int compare_names(const Graph& g, uint32_t a, uint32_t b) {
  if (g.nodes[a].info == g.nodes[b].info) return 0;
  const NodeInfo& x = g.info(a);
  const NodeInfo& y = g.info(b);
  if (x.address != 0 && y.address != 0 && x.address != y.address) return x.address < y.address ? -1 : 1;
  return g.name(a).compare(g.name(b));
}

void erase_value(std::vector<uint32_t>& list, uint32_t value) {
  list.erase(std::remove(list.begin(), list.end(), value), list.end());
}

/// Whether the source of edge `e` reaches its destination without it.
bool is_redundant(const Graph& g, uint32_t e, std::vector<uint32_t>& seen, uint32_t stamp) {
  std::vector<uint32_t> queue = {g.edges[e].destination};
  seen[queue[0]] = stamp;
  for (size_t at = 0; at < queue.size(); ++at) {
    for (uint32_t in : g.nodes[queue[at]].in) {
      uint32_t from = g.edges[in].source;
      if (in == e || seen[from] == stamp) continue;
      if (from == g.edges[e].source) return true;
      seen[from] = stamp;
      queue.push_back(from);
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> name_parts(const NodeInfo& info, std::string_view name, std::string_view file,
                                    std::string_view object) {
  std::vector<std::string> parts;
  if (info.address != 0) parts.push_back(hex16(info.address));
  if (!name.empty()) parts.emplace_back(name);
  if (info.line != 0) {
    std::string place = std::string(file) + ":" + std::to_string(info.line);
    if (info.column != 0) place += ":" + std::to_string(info.column);
    parts.push_back(std::move(place));
  } else if (!file.empty()) {
    parts.emplace_back(file);
  } else if (name.empty()) {
    parts.push_back(object.empty() ? "<unknown>" : "[" + std::string(base_name(object)) + "]");
  }
  return parts;
}

const std::string& NodeTable::printable_name(uint32_t id) const {
  names_.resize(size());
  std::string& name = names_[id];
  if (!name.empty()) return name;
  const NodeInfo& info = (*this)[id];
  for (const std::string& part : name_parts(info, text(info.name), text(info.file), text(info.object))) {
    if (!name.empty()) name += ' ';
    name += part;
  }
  return name;
}

std::string NodeTable::sort_text(uint32_t id) const {
  const NodeInfo& i = (*this)[id];
  return "{" + std::string(text(i.name)) + "  " + std::to_string(i.address) + " " + std::string(text(i.file)) + " " +
         std::to_string(i.start_line) + " " + std::to_string(i.line) + " " + std::to_string(i.column) + " " +
         std::string(text(i.object)) + "}";
}

std::vector<uint32_t> Graph::sorted(std::vector<uint32_t> ids) const {
  std::sort(ids.begin(), ids.end(), [&](uint32_t x, uint32_t y) {
    const Edge& a = edges[x];
    const Edge& b = edges[y];
    int64_t wa = wrapping_abs(a.weight);
    int64_t wb = wrapping_abs(b.weight);
    if (wa != wb) return wa > wb;
    if (int c = name(a.source).compare(name(b.source)); c != 0) return c < 0;
    if (int c = name(a.destination).compare(name(b.destination)); c != 0) return c < 0;
    return x < y;
  });
  return ids;
}

void sort_nodes(Graph& g, NodeOrder order) {
  std::vector<int64_t> score(g.nodes.size());
  for (uint32_t i : g.order) {
    const Node& n = g.nodes[i];
    score[i] = wrapping_abs(order == NodeOrder::kFlat  ? n.flat
                            : order == NodeOrder::kCum ? n.cum
                                                       : entropy_score(g, n));
  }
  std::sort(g.order.begin(), g.order.end(), [&](uint32_t a, uint32_t b) {
    if (score[a] != score[b]) return score[a] > score[b];
    if (int c = compare_names(g, a, b); c != 0) return c < 0;
    const Node& x = g.nodes[a];
    const Node& y = g.nodes[b];
    int64_t second_x = wrapping_abs(order == NodeOrder::kFlat ? x.cum : x.flat);
    int64_t second_y = wrapping_abs(order == NodeOrder::kFlat ? y.cum : y.flat);
    if (second_x != second_y) return second_x > second_y;
    if (x.info != y.info) {
      if (int c = g.table->sort_text(x.info).compare(g.table->sort_text(y.info)); c != 0) return c < 0;
    }
    return a < b;
  });
}

void sort_tags(std::vector<Tag>& tags, bool by_flat) {
  std::sort(tags.begin(), tags.end(), [&](const Tag& a, const Tag& b) {
    if (!by_flat && a.cum != b.cum && wrapping_abs(a.cum) != wrapping_abs(b.cum)) {
      return wrapping_abs(a.cum) > wrapping_abs(b.cum);
    }
    if (a.flat != b.flat && wrapping_abs(a.flat) != wrapping_abs(b.flat)) {
      return wrapping_abs(a.flat) > wrapping_abs(b.flat);
    }
    return a.name < b.name;
  });
}

int64_t sum_of_flat(const Graph& g) {
  int64_t sum = 0;
  for (uint32_t i : g.order) sum = wrapping_add(sum, g.nodes[i].flat);
  return sum;
}

std::vector<uint32_t> nodes_above(const Graph& g, int64_t cutoff) {
  std::vector<uint32_t> kept;
  for (uint32_t i : g.order) {
    if (wrapping_abs(g.nodes[i].cum) >= cutoff) kept.push_back(i);
  }
  return kept;
}

std::vector<uint32_t> top_nodes(const Graph& g, size_t count, bool visual) {
  if (visual) {
    size_t cost = 0;
    for (size_t i = 0; i < g.order.size(); ++i) {
      cost += 1 + std::min(count_flat_tags(g.nodes[g.order[i]]), kMaxNodelets);
      if (cost >= count) {
        count = i + 1;
        break;
      }
    }
  }
  return {g.order.begin(), g.order.begin() + static_cast<ptrdiff_t>(std::min(count, g.order.size()))};
}

void trim_low_tags(Graph& g, int64_t cutoff) {
  auto low = [&](const Tag& t) { return wrapping_abs(t.flat) < cutoff && wrapping_abs(t.cum) < cutoff; };
  for (uint32_t i : g.order) {
    std::erase_if(g.nodes[i].label_tags, low);
    std::erase_if(g.nodes[i].number_tags, low);
  }
}

size_t trim_low_edges(Graph& g, int64_t cutoff) {
  std::vector<bool> dropped(g.edges.size(), false);
  auto is_dropped = [&](uint32_t e) { return dropped[e]; };
  size_t count = 0;
  for (uint32_t i : g.order) {
    for (uint32_t e : g.nodes[i].in) dropped[e] = wrapping_abs(g.edges[e].weight) < cutoff;
    count += std::erase_if(g.nodes[i].in, is_dropped);
  }
  if (count == 0) return 0;
  for (Node& n : g.nodes) std::erase_if(n.out, is_dropped);
  return count;
}

void remove_redundant_edges(Graph& g) {
  std::vector<uint32_t> seen(g.nodes.size(), 0);
  uint32_t stamp = 0;
  for (size_t i = g.order.size(); i-- > 0;) {
    std::vector<uint32_t> in = g.sorted(g.nodes[g.order[i]].in);
    for (size_t j = in.size(); j-- > 0;) {
      if (!g.edges[in[j]].residual) break;
      if (!is_redundant(g, in[j], seen, ++stamp)) continue;
      erase_value(g.nodes[g.edges[in[j]].source].out, in[j]);
      erase_value(g.nodes[g.edges[in[j]].destination].in, in[j]);
    }
  }
}

void trim_tree(Graph& g, const std::vector<uint32_t>& kept) {
  std::vector<bool> keep(g.nodes.size(), false);
  for (uint32_t i : kept) keep[i] = true;
  std::vector<bool> gone(g.edges.size(), false);  // edges into nodes that were left out
  std::vector<uint32_t> old;
  old.swap(g.order);
  for (uint32_t i : old) {
    Node& n = g.nodes[i];
    if (keep[i]) {
      g.order.push_back(i);
      continue;
    }
    if (n.in.empty()) {
      for (uint32_t e : n.out) g.nodes[g.edges[e].destination].in.clear();
      continue;
    }
    uint32_t up = n.in[0];
    uint32_t parent = g.edges[up].source;
    gone[up] = true;
    for (uint32_t e : n.out) {
      if (gone[e]) continue;
      Edge& edge = g.edges[e];
      edge.source = parent;
      edge.residual = true;
      edge.is_inline = edge.is_inline && g.edges[up].is_inline;
      g.nodes[parent].out.push_back(e);
    }
  }
  for (uint32_t i : g.order) {
    std::erase_if(g.nodes[i].out, [&](uint32_t e) { return gone[e] || g.edges[e].source != i; });
  }
  remove_redundant_edges(g);
}

}  // namespace watchfire::profile
