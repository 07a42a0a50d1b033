#include <algorithm>
#include <string>

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

struct TagSum {
  uint32_t node;
  uint32_t kind;
  int64_t flat = 0;
  int64_t flat_div = 0;
  int64_t cum = 0;
  int64_t cum_div = 0;
};

}  // namespace

void GraphBuilder::add_tags(Graph& g, const LabelUnits& units, std::string_view output_unit) {
  TagKinds kinds(profile_, units, output_unit);
  PairIndex index;
  std::vector<TagSum> sums;
  auto sum_of = [&](uint32_t node, uint32_t kind) -> TagSum& {
    uint32_t n = index.intern(node, kind);
    if (n == sums.size()) sums.push_back({node, kind});
    return sums[n];
  };
  std::vector<uint32_t> path;  // nodes of one stack, each once, and the node its value lies in
  std::vector<uint32_t> stamp(g.nodes.size(), kNone);
  const int64_t* values = profile_.values.empty() ? nullptr : profile_.values[options_.column].data();
  for (uint32_t i = 0; i < profile_.sample_count(); ++i) {
    int64_t value = values[i];
    int64_t divisor = options_.mean ? profile_.values[0][i] : 0;
    if (value == 0 && divisor == 0) continue;
    const std::vector<uint32_t>& tags = kinds.of(profile_.sample_label_sets[i]);
    if (tags.empty()) continue;
    path.clear();
    uint32_t parent = kNone;
    bool residual = false;
    auto stack = profile_.stacks[profile_.sample_stacks[i]];
    for (size_t f = stack.size(); f-- > 0;) {
      auto places = location_nodes(stack[f]);
      for (size_t n = places.size(); n-- > 0;) {
        if (last_was_kept_ && !last_kept_[places[n]]) {
          residual = true;
          continue;
        }
        parent = options_.call_tree ? tree_index_.intern(parent + 1, places[n]) : places[n];
        residual = false;
        if (!options_.call_tree && stamp[parent] == i) continue;
        if (!options_.call_tree) stamp[parent] = i;
        path.push_back(parent);
      }
    }
    for (uint32_t kind : tags) {
      for (uint32_t node : path) {
        TagSum& sum = sum_of(node, kind);
        sum.cum = wrapping_add(sum.cum, value);
        sum.cum_div = wrapping_add(sum.cum_div, divisor);
      }
      if (parent == kNone || residual) continue;
      TagSum& sum = sum_of(parent, kind);
      sum.flat = wrapping_add(sum.flat, value);
      sum.flat_div = wrapping_add(sum.flat_div, divisor);
    }
  }
  for (const TagSum& s : sums) {
    const TagKind& k = kinds[s.kind];
    Tag tag{k.name, k.unit, k.label, k.value, s.flat, s.flat_div, s.cum, s.cum_div};
    (k.is_number ? g.nodes[s.node].number_tags : g.nodes[s.node].label_tags).push_back(std::move(tag));
  }
}

}  // namespace watchfire::profile
