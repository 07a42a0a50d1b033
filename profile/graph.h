#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "profile/pair_index.h"
#include "profile/profile.h"
#include "profile/wrapping.h"

namespace watchfire::profile {

/// What makes a place in the program one node of a report. Compared as bytes: no padding.
struct NodeInfo {
  StringId name = 0;
  StringId file = 0;  ///< cleaned path
  StringId object = 0;
  uint32_t unused = 0;
  uint64_t address = 0;
  int64_t start_line = 0;
  int64_t line = 0;
  int64_t column = 0;
};

/// The distinct places of a profile and the names people see. Shared by the graphs built from one profile, which
/// must outlive it.
class NodeTable {
 public:
  explicit NodeTable(const Profile& p) : profile_(p) {}

  uint32_t intern(const NodeInfo& info) { return infos_.intern(std::span(&info, 1)) - 1; }
  uint32_t size() const { return infos_.size() - 1; }
  const NodeInfo& operator[](uint32_t id) const { return infos_[id + 1][0]; }
  const Profile& profile() const { return profile_; }
  std::string_view text(StringId id) const { return profile_.text(id); }

  /// "0000000000401000 main /src/main.c:12", made once.
  const std::string& printable_name(uint32_t id) const;
  /// All fields in one line, the last tie-break of orders.
  std::string sort_text(uint32_t id) const;

 private:
  const Profile& profile_;
  SpanTable<NodeInfo> infos_;
  mutable std::vector<std::string> names_;
};

/// The parts of a printable name: address, name, then what tells most about the source. Texts are passed so that
/// they may have been shortened.
std::vector<std::string> name_parts(const NodeInfo& info, std::string_view name, std::string_view file,
                                    std::string_view object);

/// What the samples with one label, or one number, contributed to a node.
struct Tag {
  std::string name;
  std::string unit;   ///< of numbers
  std::string label;  ///< for numbers: the string labels they came with
  int64_t value = 0;  ///< for numbers
  int64_t flat = 0;
  int64_t flat_div = 0;
  int64_t cum = 0;
  int64_t cum_div = 0;

  int64_t flat_value() const { return flat_div == 0 ? flat : wrapping_divide(flat, flat_div); }
  int64_t cum_value() const { return cum_div == 0 ? cum : wrapping_divide(cum, cum_div); }
};

/// A call between two nodes. `residual`: nodes between them were left out. `is_inline`: every call was inlined.
struct Edge {
  uint32_t source = 0;
  uint32_t destination = 0;
  int64_t weight = 0;
  int64_t weight_div = 0;
  bool residual = false;
  bool is_inline = true;

  int64_t value() const { return weight_div == 0 ? weight : wrapping_divide(weight, weight_div); }
};

/// One place, or with call_tree one path to it. The *_div sums are those of the divisor of means, else 0.
struct Node {
  uint32_t info = 0;  ///< in the NodeTable
  int64_t flat = 0;
  int64_t flat_div = 0;
  int64_t cum = 0;
  int64_t cum_div = 0;
  std::vector<uint32_t> in;   ///< edges that end here
  std::vector<uint32_t> out;  ///< edges that start here
  std::vector<Tag> label_tags;
  std::vector<Tag> number_tags;

  int64_t flat_value() const { return flat_div == 0 ? flat : wrapping_divide(flat, flat_div); }
  int64_t cum_value() const { return cum_div == 0 ? cum : wrapping_divide(cum, cum_div); }
};

/// A call graph. `order` lists the nodes shown, in their order; `nodes` also holds others, as ends of edges.
/// Edges removed from a node's `in` and `out` stay in `edges`.
struct Graph {
  const NodeTable* table = nullptr;
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  std::vector<uint32_t> order;

  const std::string& name(uint32_t node) const { return table->printable_name(nodes[node].info); }
  const NodeInfo& info(uint32_t node) const { return (*table)[nodes[node].info]; }
  /// Edge ids, heaviest first, then by the names of their ends.
  std::vector<uint32_t> sorted(std::vector<uint32_t> edge_ids) const;
};

enum class NodeOrder { kFlat, kCum, kEntropy };

/// Sorts graph.order.
void sort_nodes(Graph& g, NodeOrder order);
/// Heaviest first: by cum unless `by_flat`, then flat, then name.
void sort_tags(std::vector<Tag>& tags, bool by_flat);

int64_t sum_of_flat(const Graph& g);
/// Nodes of order with |cum| of at least cutoff.
std::vector<uint32_t> nodes_above(const Graph& g, int64_t cutoff);
/// The first `count` nodes of order; in `visual` mode tags shown count as nodes.
std::vector<uint32_t> top_nodes(const Graph& g, size_t count, bool visual);
void trim_low_tags(Graph& g, int64_t cutoff);
/// Removes edges lighter than cutoff that end at a shown node; how many.
size_t trim_low_edges(Graph& g, int64_t cutoff);
/// Removes residual edges whose ends are connected otherwise, lightest first.
void remove_redundant_edges(Graph& g);
/// For call trees: leaves only the nodes in `kept`, connecting children with their next kept ancestor.
void trim_tree(Graph& g, const std::vector<uint32_t>& kept);

}  // namespace watchfire::profile
