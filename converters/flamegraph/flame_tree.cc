#include "converters/flamegraph/flame_tree.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "converters/frame_names.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

void add_to(int64_t& sum, int64_t v) {
  if (__builtin_add_overflow(sum, v, &sum)) sum = INT64_MAX;
}

template <typename Function>
void each_column(FlameTree& tree, Function f) {
  for (FlameCosts* costs : {&tree.costs, tree.base ? &*tree.base : nullptr}) {
    if (costs == nullptr) continue;
    for (auto* columns : {&costs->totals, &costs->selfs})
      for (std::vector<int64_t>& column : *columns) f(column);
  }
}

class Builder {
 public:
  explicit Builder(const FlameTreeOptions& options) : options_(options) { tree_.nodes.push_back({0, name("all")}); }

  FlameCosts add(const Profile& p) {
    frames_of_location_.assign(p.locations.size(), {});
    FlameCosts costs;
    size_t columns = options_.columns.size();
    costs.totals.resize(columns);
    costs.selfs.resize(columns);
    std::vector<std::vector<int64_t>> sums(columns, std::vector<int64_t>(p.stacks.size()));
    for (size_t c = 0; c < columns; ++c) {
      if (options_.columns[c] >= p.values.size()) continue;
      const std::vector<int64_t>& values = p.values[options_.columns[c]];
      for (size_t i = 0; i < p.sample_count(); ++i) add_to(sums[c][p.sample_stacks[i]], values[i]);
    }
    for (uint32_t s = 0; s < p.stacks.size(); ++s) {
      if (std::ranges::none_of(sums, [&](const auto& column) { return column[s] > 0; })) continue;
      walk(p, s);
      for (size_t c = 0; c < columns; ++c) count(std::max<int64_t>(sums[c][s], 0), costs.totals[c], costs.selfs[c]);
    }
    return costs;
  }

  FlameTree finish(FlameCosts costs, std::optional<FlameCosts> base) {
    tree_.costs = std::move(costs);
    tree_.base = std::move(base);
    each_column(tree_, [&](auto& column) { column.resize(tree_.nodes.size()); });
    tree_.index_children();
    return std::move(tree_);
  }

 private:
  /// Leaves the nodes from the root to the stack's end in path_.
  void walk(const Profile& p, uint32_t s) {
    path_.assign(1, 0);
    auto stack = p.stacks[s];
    bool is_cut = false;
    for (size_t i = 0; i < stack.size(); ++i) {
      const auto& frames = frames_of(p, options_.reversed ? stack[i] : stack[stack.size() - 1 - i]);
      for (size_t k = 0; k < frames.size(); ++k) {
        uint32_t frame = frames[options_.reversed ? k : frames.size() - 1 - k];
        uint32_t next = is_cut || path_.size() > options_.max_depth ? 0 : child(path_.back(), frame);
        is_cut = next == 0;
        tree_.frames_cut += is_cut;
        if (!is_cut) path_.push_back(next);
      }
    }
  }

  void count(int64_t value, std::vector<int64_t>& totals, std::vector<int64_t>& selfs) {
    if (totals.size() < tree_.nodes.size()) totals.resize(tree_.nodes.size());
    if (selfs.size() < tree_.nodes.size()) selfs.resize(tree_.nodes.size());
    for (uint32_t node : path_) add_to(totals[node], value);
    add_to(selfs[path_.back()], value);
  }

  /// Names of a location, the innermost inlined function first.
  const std::vector<uint32_t>& frames_of(const Profile& p, uint32_t location) {
    std::vector<uint32_t>& frames = frames_of_location_[location];
    if (!frames.empty()) return frames;
    const profile::Location& l = p.locations[location];
    for (const profile::Line& line : p.lines_of(l)) frames.push_back(name(frame_name(p, l, &line)));
    if (frames.empty()) frames.push_back(name(frame_name(p, l, nullptr)));
    return frames;
  }

  uint32_t name(std::string text) {
    auto [it, added] = names_.try_emplace(std::move(text), static_cast<uint32_t>(tree_.names.size()));
    if (added) tree_.names.push_back(it->first);
    return it->second;
  }

  /// 0 when the tree is full.
  uint32_t child(uint32_t parent, uint32_t name) {
    uint64_t key = uint64_t{parent} << 32 | name;
    if (auto it = edges_.find(key); it != edges_.end()) return it->second;
    if (tree_.nodes.size() >= options_.max_nodes) return 0;
    auto node = static_cast<uint32_t>(tree_.nodes.size());
    tree_.nodes.push_back({parent, name});
    edges_.emplace(key, node);
    return node;
  }

  const FlameTreeOptions& options_;
  FlameTree tree_;
  std::vector<uint32_t> path_;
  std::unordered_map<std::string, uint32_t, KeyedHash> names_;
  std::unordered_map<uint64_t, uint32_t, KeyedHash> edges_;
  std::vector<std::vector<uint32_t>> frames_of_location_;
};

/// The largest share of any type that each node has; never more than its parent's.
std::vector<double> shares(const FlameTree& tree) {
  std::vector<double> shares(tree.nodes.size());
  for (const FlameCosts* costs : {&tree.costs, tree.base ? &*tree.base : nullptr}) {
    if (costs == nullptr) continue;
    for (const std::vector<int64_t>& totals : costs->totals) {
      double all = std::max<double>(1, static_cast<double>(totals[0]));
      for (size_t n = 0; n < totals.size(); ++n) shares[n] = std::max(shares[n], static_cast<double>(totals[n]) / all);
    }
  }
  return shares;
}

}  // namespace

void FlameTree::index_children() {
  std::vector<uint32_t> by_name(names.size()), rank(names.size());
  std::iota(by_name.begin(), by_name.end(), 0);
  std::ranges::sort(by_name, {}, [&](uint32_t n) -> const std::string& { return names[n]; });
  for (uint32_t i = 0; i < by_name.size(); ++i) rank[by_name[i]] = i;
  children_.resize(nodes.size() - 1);
  std::iota(children_.begin(), children_.end(), 1);
  std::ranges::sort(children_, {}, [&](uint32_t n) { return uint64_t{nodes[n].parent} << 32 | rank[nodes[n].name]; });
  first_child_.assign(nodes.size() + 1, 0);
  for (uint32_t n : children_) ++first_child_[nodes[n].parent + 1];
  std::partial_sum(first_child_.begin(), first_child_.end(), first_child_.begin());
}

FlameTree build_flame_tree(const Profile& p, const FlameTreeOptions& options) {
  Builder builder(options);
  FlameCosts costs = builder.add(p);
  std::optional<FlameCosts> base;
  if (options.base != nullptr) base = builder.add(*options.base);
  return builder.finish(std::move(costs), std::move(base));
}

double prune(FlameTree& tree, double min_share, size_t max_nodes) {
  std::vector<double> share = shares(tree);
  if (std::ranges::count_if(share, [&](double s) { return s >= min_share; }) > static_cast<ptrdiff_t>(max_nodes)) {
    std::vector<double> sorted = share;
    auto last = sorted.begin() + static_cast<ptrdiff_t>(max_nodes);
    std::ranges::nth_element(sorted, last, std::greater<>());
    min_share = std::nextafter(*last, 2.0);
  }
  std::vector<uint32_t> now(tree.nodes.size());
  uint32_t kept = 0;
  for (uint32_t n = 0; n < tree.nodes.size(); ++n) {
    if (n != 0 && share[n] < min_share) continue;
    now[n] = kept;
    tree.nodes[kept] = {now[tree.nodes[n].parent], tree.nodes[n].name};
    each_column(tree, [&](auto& column) { column[kept] = column[n]; });
    ++kept;
  }
  tree.nodes.resize(kept);
  each_column(tree, [&](auto& column) { column.resize(kept); });
  tree.index_children();
  return min_share;
}

}  // namespace watchfire::converters
