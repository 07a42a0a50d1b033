#include "agent/analyst/attribution.h"

#include <re2/re2.h>

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
    return std::move(out_);
  }

 private:
  const NameFacts& facts_of(uint32_t function, uint32_t location) {
    if (known_[function]) return facts_[function];
    known_[function] = true;
    NameFacts& f = facts_[function];
    const profile::Function& fn = p_.functions[function];
    std::string_view name = p_.text(fn.name);
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

  // The innermost user's function at or rootwards of `from`.
  OwnFunction own_from(size_t from) const {
    for (size_t i = from; i < frames_.size(); ++i) {
      if (frames_[i].facts->is_library) continue;
      const profile::Function& f = p_.functions[frames_[i].function];
      return {std::string(p_.text(f.name)), std::string(p_.text(f.file))};
    }
    return {};
  }

  // The innermost frame that matches the rule, unless something above it takes the stack away.
  std::optional<size_t> match(size_t bit_index) const {
    uint64_t bit = 1ull << bit_index;
    if (frames_.empty() || !(frames_.front().facts->leaf & bit)) return std::nullopt;
    for (size_t i = 0; i < frames_.size(); ++i) {
      if (!(frames_[i].facts->frames & bit)) continue;
      for (size_t k = i + 1; k < frames_.size(); ++k)
        if (frames_[k].facts->not_under & bit) return std::nullopt;
      return i;
    }
    return std::nullopt;
  }

  void add(int64_t value) {
    out_.by_own_function[own_from(0)] += value;
    for (size_t i = 0; i < rules_.size(); ++i) {
      std::optional<size_t> at = match(i);
      if (!at) continue;
      out_.by_rule[rules_[i]][own_from(*at)] += value;
      return;
    }
  }

  const Profile& p_;
  const RuleSet& set_;
  std::vector<size_t> rules_;  // indices of the resource's rules
  std::vector<NameFacts> facts_;
  std::vector<bool> known_;
  std::vector<Frame> frames_;
  Attribution out_;
};

}  // namespace

Attribution attribute(const Profile& p, const RuleSet& rules, findings::Resource resource) {
  return Attributor(p, rules, resource).run();
}

}  // namespace watchfire::agent
