#pragma once

#include <functional>
#include <vector>

#include "profile/filter.h"
#include "profile/graph.h"

namespace watchfire::profile {

/// Which edges a graph needs: all, or only those into nodes that some call was inlined to, enough to mark rows.
enum class GraphEdges { kAll, kInlined };

/// How samples become a graph.
struct GraphOptions {
  size_t column = 0;
  bool mean = false;  ///< divide by the first column
  bool call_tree = false;
  bool drop_negative = false;
  bool object_names = false;  ///< nodes of different binaries stay apart
  GraphEdges edges = GraphEdges::kAll;
};

/// Builds graphs of one profile, as often as trimming needs. The profile must stay as it is meanwhile; its
/// functions' files are expected to be cleaned (see clean_file_names).
///
/// Samples are first summed by stack, then each distinct stack is walked once from the root. A node's cum grows
/// once a stack however often it occurs there; so does an edge.
class GraphBuilder {
 public:
  GraphBuilder(const Profile& p, const GraphOptions& options);

  /// The whole graph.
  Graph build();
  /// The graph of the nodes of `g` listed in `kept` alone; calls past others become residual edges.
  Graph rebuild(const Graph& g, const std::vector<uint32_t>& kept);
  /// Adds label and number tags to the nodes of a graph of this builder that was built last. `format` prints the
  /// numbers; only the numbers of key "bytes" are used.
  void add_tags(Graph& g, const LabelUnits& units, std::string_view output_unit);

  const NodeTable& table() const { return table_; }
  /// The nodes of a location's lines, innermost first; for call trees ids of places, not of nodes.
  std::span<const uint32_t> location_nodes(uint32_t location) const {
    return {slots_.data() + slot_begin_[location], slots_.data() + slot_begin_[location + 1]};
  }

 private:
  struct Step {
    uint32_t node;
    bool is_inline;
  };

  void make_slots();
  void sum_stacks();
  Graph build_graph(const std::vector<bool>* kept);
  Graph build_tree();
  void walk_stack(uint32_t stack, const std::vector<bool>* kept, Graph& g);
  void select_nodes(Graph& g) const;

  const Profile& profile_;
  GraphOptions options_;
  NodeTable table_;
  std::vector<uint32_t> slots_;
  std::vector<uint32_t> slot_begin_;
  std::vector<bool> inlined_;  ///< by node: some line of it was inlined into another

  struct StackSum {
    int64_t value = 0;
    int64_t divisor = 0;
    bool touched = false;  ///< some sample of it was not zero
  };
  std::vector<StackSum> sums_;

  // the graph being built
  PairIndex edge_index_;
  std::vector<uint32_t> node_stamp_;
  std::vector<uint32_t> edge_stamp_;
  std::vector<bool> last_kept_;
  bool last_was_kept_ = false;
  PairIndex tree_index_;  ///< (parent + 1, place) -> tree node
};

/// Replaces the file names of all functions by their shortest equal paths, as graphs expect them.
void clean_file_names(Profile& p);
/// Cuts known prefixes off the file names of all functions, see trim_source_path.
void trim_file_names(Profile& p, std::string_view trim_path, std::string_view source_path);

}  // namespace watchfire::profile
