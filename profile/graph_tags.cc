#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "profile/graph_builder.h"
#include "profile/measurement.h"
#include "profile/sample_edit.h"
#include "profile/sorted_labels.h"

namespace watchfire::profile {
namespace {

constexpr std::string_view kBaseLabel = "pprof::base";
constexpr std::string_view kShownNumbers = "bytes";

/// One tag that samples may carry: string labels joined, or one number together with them.
struct TagKind {
  std::string name;
  std::string unit;
  std::string label;
  int64_t value = 0;
  bool is_number = false;
};

/// The tags of label sets, each known by a dense number.
class TagKinds {
 public:
  TagKinds(const Profile& p, const LabelUnits& units, std::string_view output_unit)
      : p_(p), units_(units), output_unit_(output_unit), of_set_(p.label_sets.size()), known_(p.label_sets.size()) {}

  const std::vector<uint32_t>& of(uint32_t set) {
    if (!known_[set]) {
      known_[set] = true;
      make(set);
    }
    return of_set_[set];
  }
  const TagKind& operator[](uint32_t kind) const { return kinds_[kind]; }

 private:
  void make(uint32_t set) {
    std::string label = joined_labels(set);
    if (!label.empty()) add(set, {.name = label}, label, "");
    for (const Label& l : sorted_labels(p_, p_.label_sets[set])) {
      if (l.is_number == 0 || p_.text(l.key) != kShownNumbers) continue;
      auto unit = units_.find(kShownNumbers);
      TagKind kind{.unit = unit == units_.end() ? "" : unit->second, .label = label, .value = l.num, .is_number = true};
      kind.name = scaled_label(l.num, kind.unit, output_unit_);
      std::string name = kind.name;
      add(set, std::move(kind), label, name);
    }
  }

  void add(uint32_t set, TagKind kind, std::string_view label, std::string_view number) {
    uint32_t id = index_.intern(names_.intern(label), names_.intern(number));
    if (id == kinds_.size()) kinds_.push_back(std::move(kind));
    of_set_[set].push_back(id);
  }

  std::string joined_labels(uint32_t set) const {
    std::vector<std::string> texts;
    for (const Label& l : p_.label_sets[set]) {
      if (l.is_number != 0 || p_.text(l.key) == kBaseLabel) continue;
      texts.push_back(std::string(p_.text(l.key)) + ":" + std::string(p_.text(l.str)));
    }
    std::sort(texts.begin(), texts.end());
    std::string joined;
    for (const std::string& text : texts) joined += (joined.empty() ? "" : "\\n") + text;
    return joined;
  }

  const Profile& p_;
  const LabelUnits& units_;
  std::string_view output_unit_;
  std::vector<std::vector<uint32_t>> of_set_;
  std::vector<bool> known_;
  std::vector<TagKind> kinds_;
  StringTable names_;
  PairIndex index_;
};

/// The nodes of one stack, each once, and the node its value lies in, kNone when the innermost frame was left out.
struct StackPath {
  std::vector<uint32_t> nodes;
  uint32_t leaf = kNone;
  bool made = false;
};

/// Samples of equal label sets together, in the order of the profile.
struct SamplesBySet {
  explicit SamplesBySet(const Profile& p) : start(p.label_sets.size() + 1), order(p.sample_count()) {
    for (uint32_t set : p.sample_label_sets) ++start[set + 1];
    for (size_t s = 1; s < start.size(); ++s) start[s] += start[s - 1];
    std::vector<uint32_t> next(start.begin(), start.end() - 1);
    for (uint32_t i = 0; i < order.size(); ++i) order[next[p.sample_label_sets[i]]++] = i;
  }
  std::span<const uint32_t> of(uint32_t set) const {
    return std::span(order).subspan(start[set], start[set + 1] - start[set]);
  }

  std::vector<uint32_t> start;
  std::vector<uint32_t> order;
};

/// What one tag accounts for at one node.
struct TagSum {
  int64_t flat = 0;
  int64_t flat_div = 0;
  int64_t cum = 0;
  int64_t cum_div = 0;
  bool touched = false;
};

}  // namespace

void GraphBuilder::add_tags(Graph& g, const LabelUnits& units, std::string_view output_unit) {
  TagKinds kinds(profile_, units, output_unit);
  SamplesBySet samples(profile_);
  std::vector<std::vector<uint32_t>> sets_of;  // by kind
  for (uint32_t set = 0; set < profile_.label_sets.size(); ++set) {
    if (samples.of(set).empty()) continue;
    for (uint32_t kind : kinds.of(set)) {
      if (kind >= sets_of.size()) sets_of.resize(kind + 1);
      sets_of[kind].push_back(set);
    }
  }
  std::vector<StackPath> paths(profile_.stacks.size());  // made when they are needed
  std::vector<uint32_t> stamp(g.nodes.size(), kNone);
  auto path_of = [&](uint32_t stack) -> const StackPath& {
    StackPath& path = paths[stack];
    if (path.made) return path;
    path.made = true;
    uint32_t parent = kNone;
    auto frames = profile_.stacks[stack];
    for (size_t f = frames.size(); f-- > 0;) {
      auto places = location_nodes(frames[f]);
      for (size_t n = places.size(); n-- > 0;) {
        bool left_out = last_was_kept_ && !last_kept_[places[n]];
        if (!left_out) {
          parent = options_.call_tree ? tree_index_.intern(parent + 1, places[n]) : places[n];
          if (stamp[parent] != stack) path.nodes.push_back(parent);
          stamp[parent] = stack;
        }
        path.leaf = left_out ? kNone : parent;
      }
    }
    return path;
  };
  std::vector<TagSum> sums(g.nodes.size());  // of one kind at a time
  std::vector<uint32_t> touched;
  auto at = [&](uint32_t node) -> TagSum& {
    TagSum& sum = sums[node];
    if (!sum.touched) touched.push_back(node);
    sum.touched = true;
    return sum;
  };
  const int64_t* values = profile_.values.empty() ? nullptr : profile_.values[options_.column].data();
  for (uint32_t kind = 0; kind < sets_of.size(); ++kind) {
    for (uint32_t set : sets_of[kind])
      for (uint32_t i : samples.of(set)) {
        int64_t value = values[i], divisor = options_.mean ? profile_.values[0][i] : 0;
        if (value == 0 && divisor == 0) continue;
        const StackPath& path = path_of(profile_.sample_stacks[i]);
        for (uint32_t node : path.nodes) {
          TagSum& sum = at(node);
          sum.cum = wrapping_add(sum.cum, value);
          sum.cum_div = wrapping_add(sum.cum_div, divisor);
        }
        if (path.leaf == kNone) continue;
        TagSum& sum = at(path.leaf);
        sum.flat = wrapping_add(sum.flat, value);
        sum.flat_div = wrapping_add(sum.flat_div, divisor);
      }
    const TagKind& k = kinds[kind];
    for (uint32_t node : touched) {
      const TagSum& s = sums[node];
      Tag tag{k.name, k.unit, k.label, k.value, s.flat, s.flat_div, s.cum, s.cum_div};
      (k.is_number ? g.nodes[node].number_tags : g.nodes[node].label_tags).push_back(std::move(tag));
      sums[node] = {};
    }
    touched.clear();
  }
}

}  // namespace watchfire::profile
