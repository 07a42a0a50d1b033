#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/analyst/rule_set.h"
#include "profile/profile.h"

namespace watchfire::agent {

/// A function of the user's own code.
struct OwnFunction {
  std::string name;
  std::string file;
  friend auto operator<=>(const OwnFunction&, const OwnFunction&) = default;
};

/// One profile's values, each stack counted once: under the first rule that matches it, and under the user's function
/// nearest to the matched frame (for stacks without a rule: nearest to the leaf).
struct Attribution {
  int64_t total = 0;
  /// Sum by rule (index in RuleSet::rules()), and within it by the function to blame; "" when there is none.
  std::map<size_t, std::map<OwnFunction, int64_t>> by_rule;
  /// Sum by the user's function nearest to the leaf, whatever the rule: what changes are measured on.
  std::map<OwnFunction, int64_t> by_own_function;
};

/// Pure. Cost: a few regular expressions for each distinct function, then one walk a distinct stack.
Attribution attribute(const profile::Profile& p, const RuleSet& rules, findings::Resource resource);

}  // namespace watchfire::agent
