#include "agent/compare/breakdown.h"

#include <re2/re2.h>

#include <optional>

#include "agent/analyst/function_name.h"

namespace watchfire::agent {
namespace {

using profile::Estimate;
using profile::Part;
using profile::Profile;

constexpr std::string_view kNoSymbols = "code without symbols";

/// What is known of one function.
struct Facts {
  bool known = false;
  bool is_library = false;
  bool is_callers = false;  ///< counts as whoever called it
  uint64_t components = 0;  ///< bit i: matches component i
  std::string own_name;
};

class Breakdown {
 public:
  Breakdown(const Profile& p, const RuleSet& rules) : p_(p), rules_(rules), facts_(p.functions.size()) {}

  Part part_of(std::span<const uint32_t> stack) {
    unfold(stack);
    if (frames_.empty()) return {std::string(kNoSymbols), ""};
    size_t own = 0;
    while (own < frames_.size() && facts_[frames_[own]].is_library) ++own;
    bool has_own = own < frames_.size();
    std::string function = has_own ? stable_name(p_.text(p_.functions[frames_[own]].name)) : "";
    if (auto c = component(own)) return {rules_.components()[*c].title, function};
    if (own == 0) return {unit_of(facts_[frames_[0]].own_name), function};
    std::string called = unit_of(facts_[frames_[has_own ? own - 1 : 0]].own_name);
    return {"library " + called.substr(called.find(' ') + 1), function};
  }

 private:
  void unfold(std::span<const uint32_t> stack) {
    frames_.clear();
    for (uint32_t l : stack)
      for (const profile::Line& line : p_.lines_of(p_.locations[l])) {
        if (line.function == profile::kNone) continue;
        learn(line.function, p_.locations[l].mapping);
        if (!facts_[line.function].is_callers) frames_.push_back(line.function);
      }
  }

  void learn(uint32_t function, uint32_t mapping) {
    Facts& f = facts_[function];
    if (f.known) return;
    f.known = true;
    f.own_name = own_name(p_.text(p_.functions[function].name));
    std::string_view object = mapping == profile::kNone ? "" : p_.text(p_.mappings[mapping].file);
    f.is_library = rules_.is_library(f.own_name, p_.text(p_.functions[function].file), object);
    for (size_t i = 0; i < rules_.components().size(); ++i) {
      const Component& c = rules_.components()[i];
      if (!re2::RE2::PartialMatch(f.own_name, *c.frames)) continue;
      f.is_callers = f.is_callers || c.of_caller;
      if (!c.of_caller) f.components |= uint64_t{1} << i;
    }
  }

  /// The first component with a frame below `own`, or, with callbacks, anywhere.
  std::optional<size_t> component(size_t own) const {
    uint64_t below = 0, anywhere = 0;
    for (size_t i = 0; i < frames_.size(); ++i) {
      const Facts& f = facts_[frames_[i]];
      if (!f.is_library) continue;
      if (i < own) below |= f.components;
      anywhere |= f.components;
    }
    for (size_t i = 0; i < rules_.components().size(); ++i)
      if ((rules_.components()[i].callbacks ? anywhere : below) >> i & 1) return i;
    return std::nullopt;
  }

  const Profile& p_;
  const RuleSet& rules_;
  std::vector<Facts> facts_;
  std::vector<uint32_t> frames_;  ///< of one stack, leaf first, inlining unfolded
};

}  // namespace

std::string unit_of(std::string_view name) {
  if (size_t scope = name.rfind("::"); scope != std::string_view::npos && scope > 0)
    return "namespace " + std::string(name.substr(0, scope));
  size_t slash = name.rfind('/');
  size_t dot = name.find('.', slash == std::string_view::npos ? 0 : slash);
  if (dot != std::string_view::npos && dot > 0) return "package " + std::string(name.substr(0, dot));
  return "own code";
}

std::map<Part, Estimate> break_down(const Profile& p, size_t column, const RuleSet& rules) {
  std::vector<Estimate> estimates = profile::sample_estimates(p, column);
  std::vector<Estimate> by_stack(p.stacks.size());
  for (size_t i = 0; i < estimates.size(); ++i) by_stack[p.sample_stacks[i]] += estimates[i];
  Breakdown breakdown(p, rules);
  std::map<Part, Estimate> out;
  for (uint32_t s = 0; s < by_stack.size(); ++s)
    if (by_stack[s].value != 0) out[breakdown.part_of(p.stacks[s])] += by_stack[s];
  return out;
}

}  // namespace watchfire::agent
