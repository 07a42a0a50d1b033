#include "agent/analyst/attribution.h"

#include <re2/re2.h>

#include <algorithm>
#include <tuple>

#include "agent/analyst/function_name.h"
#include "profile/function_totals.h"

namespace watchfire::agent {
namespace {

using profile::Profile;

bool matches(const std::shared_ptr<const re2::RE2>& regex, std::string_view text) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
}

// What the rules say of one name; bit i is rule i of the resource.
struct NameFacts {
  uint64_t frames = 0;
  uint64_t not_under = 0;
  uint64_t leaf = 0;
  bool is_library = false;
};

// One frame of a stack with inlining unfolded.
struct Frame {
  const NameFacts* facts = nullptr;
  uint32_t function = profile::kNone;
};

// By index of the function; kNone for stacks without one of the user's.
using SumsBySymbol = std::map<uint32_t, int64_t>;

class Attributor {
 public:
  Attributor(const Profile& p, const RuleSet& set, findings::Resource resource) : p_(p), set_(set) {
    for (size_t i = 0; i < set.rules().size() && rules_.size() < 64; ++i)
      if (set.rules()[i].resource == resource) rules_.push_back(i);
    facts_.resize(p.functions.size());
    known_.resize(p.functions.size());
  }

  Attribution run() {
    std::vector<int64_t> sums = profile::stack_sums(p_, 0);
    for (uint32_t s = 0; s < sums.size(); ++s) {
      if (sums[s] == 0) continue;
      out_.total += sums[s];
      unfold(p_.stacks[s]);
      add(sums[s]);
    }
    out_.by_own_function = folded(nearest_to_leaf_);
    for (const auto& [rule, sums_of_rule] : by_rule_) out_.by_rule[rule] = folded(sums_of_rule);
    return std::move(out_);
  }

 private:
  const NameFacts& facts_of(uint32_t function, uint32_t location) {
    if (known_[function]) return facts_[function];
    known_[function] = true;
    NameFacts& f = facts_[function];
    const profile::Function& fn = p_.functions[function];
    std::string name = own_name(p_.text(fn.name));
    uint32_t mapping = p_.locations[location].mapping;
    std::string_view object = mapping == profile::kNone ? "" : p_.text(p_.mappings[mapping].file);
    f.is_library = set_.is_library(name, p_.text(fn.file), object);
    for (size_t i = 0; i < rules_.size(); ++i) {
      const Rule& r = set_.rules()[rules_[i]];
      uint64_t bit = 1ull << i;
      if (!r.frames || matches(r.frames, name)) f.frames |= bit;
      if (r.not_under && matches(r.not_under, name)) f.not_under |= bit;
      if (!r.leaf || matches(r.leaf, name)) f.leaf |= bit;
    }
    return f;
  }

  // Leaf first.
  void unfold(std::span<const uint32_t> stack) {
    frames_.clear();
    for (uint32_t l : stack)
      for (const profile::Line& line : p_.lines_of(p_.locations[l]))
        if (line.function != profile::kNone) frames_.push_back({&facts_of(line.function, l), line.function});
  }

  // The innermost user's function at or rootwards of `from`; kNone when there is none.
  uint32_t own_from(size_t from) const {
    for (size_t i = from; i < frames_.size(); ++i)
      if (!frames_[i].facts->is_library) return frames_[i].function;
    return profile::kNone;
  }

  bool taken_away(size_t above, uint64_t bit) const {
    for (size_t k = above; k < frames_.size(); ++k)
      if (frames_[k].facts->not_under & bit) return true;
    return false;
  }

  // The innermost frame that matches the rule and has nothing above it that takes it away.
  std::optional<size_t> match(size_t bit_index) const {
    uint64_t bit = 1ull << bit_index;
    const Rule& rule = set_.rules()[rules_[bit_index]];
    if (frames_.empty() || !(frames_.front().facts->leaf & bit)) return std::nullopt;
    for (size_t i = 0; i < frames_.size(); ++i) {
      if ((frames_[i].facts->frames & bit) && !taken_away(i + 1, bit)) return i;
      // The user's own code, called back from further up, is not what the rule is about.
      if (!rule.callbacks && !frames_[i].facts->is_library) return std::nullopt;
    }
    return std::nullopt;
  }

  void add(int64_t value) {
    nearest_to_leaf_[own_from(0)] += value;
    for (size_t i = 0; i < rules_.size(); ++i) {
      std::optional<size_t> at = match(i);
      if (!at) continue;
      by_rule_[rules_[i]][own_from(*at)] += value;
      return;
    }
  }

  // From symbols to functions as people know them, each under the symbol that costs most.
  Attribution::Sums folded(const SumsBySymbol& sums) const {
    std::vector<std::pair<OwnFunction, int64_t>> all;
    for (const auto& [function, value] : sums) {
      OwnFunction f;
      if (function != profile::kNone) {
        std::string_view name = p_.text(p_.functions[function].name);
        f = {std::string(name), std::string(p_.text(p_.functions[function].file)), stable_name(name)};
      }
      all.emplace_back(std::move(f), value);
    }
    std::ranges::sort(all, [](const auto& a, const auto& b) {
      return std::tuple(-a.second, std::string_view(a.first.name), std::string_view(a.first.file)) <
             std::tuple(-b.second, std::string_view(b.first.name), std::string_view(b.first.file));
    });
    Attribution::Sums out;
    for (auto& [function, value] : all) out[std::move(function)] += value;
    return out;
  }

  const Profile& p_;
  const RuleSet& set_;
  std::vector<size_t> rules_;  // indices of the resource's rules
  std::vector<NameFacts> facts_;
  std::vector<bool> known_;
  std::vector<Frame> frames_;
  SumsBySymbol nearest_to_leaf_;
  std::map<size_t, SumsBySymbol> by_rule_;
  Attribution out_;
};

}  // namespace

Attribution attribute(const Profile& p, const RuleSet& rules, findings::Resource resource) {
  return Attributor(p, rules, resource).run();
}

}  // namespace watchfire::agent
