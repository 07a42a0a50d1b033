#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "profile/profile.h"

namespace watchfire::converters {

/// Which samples become a tree, and how.
struct FlameTreeOptions {
  std::vector<size_t> columns;             ///< sample types, by index
  bool reversed = false;                   ///< leaves are at the root: who calls a function, not what it calls
  const profile::Profile* base = nullptr;  ///< to compare with; has the same sample types and units
  size_t max_depth = 512;
  size_t max_nodes = 4'000'000;
};

/// What frames cost, [sample type][node]: with all they call, and alone.
struct FlameCosts {
  std::vector<std::vector<int64_t>> totals, selfs;
};

/// A profile as a call tree by function name, of one or several sample types, and of a base beside it. Inlined
/// functions are frames; functions of one name are one where they have the same caller. Only stacks whose sum is
/// positive count.
struct FlameTree {
  struct Node {
    uint32_t parent = 0;
    uint32_t name = 0;  ///< index into names
  };
  std::vector<std::string> names;  ///< untrusted
  std::vector<Node> nodes;         ///< 0 is the root, named "all"; others stand behind their parent
  FlameCosts costs;
  std::optional<FlameCosts> base;
  uint64_t frames_cut = 0;  ///< of stacks too deep, or of too large a tree

  /// In order of name, as flamegraph.pl sorts.
  std::span<const uint32_t> children(uint32_t node) const {
    return {children_.data() + first_child_[node], first_child_[node + 1] - first_child_[node]};
  }
  /// After nodes have changed.
  void index_children();

 private:
  std::vector<uint32_t> children_, first_child_;
};

FlameTree build_flame_tree(const profile::Profile& p, const FlameTreeOptions& options);

/// Leaves out frames whose share of every type, of the profile and of the base, is below `min_share`, which is raised
/// until at most `max_nodes` are left. Gives the share that was used; what a frame cost stays in its callers.
double prune(FlameTree& tree, double min_share, size_t max_nodes);

}  // namespace watchfire::converters
