#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/analyst/rule_set.h"
#include "profile/profile.h"

namespace watchfire::agent {

/// A function of the user's own code. One is another's equal when their keys are: closures count as the function they
/// are in, and neither a build's directory nor type arguments make a difference (see stable_name).
struct OwnFunction {
  std::string name;  ///< the symbol; of several with this key, the one that costs most; "" for no function
  std::string file;
  std::string key;  ///< stable_name(name)
  friend auto operator<=>(const OwnFunction& a, const OwnFunction& b) { return a.key <=> b.key; }
  friend bool operator==(const OwnFunction& a, const OwnFunction& b) { return a.key == b.key; }
};

/// One profile's values, each stack counted once: under the first rule that matches it, and under the user's function
/// nearest to the matched frame (for stacks without a rule: nearest to the leaf).
struct Attribution {
  using Sums = std::map<OwnFunction, int64_t>;
  int64_t total = 0;
  /// Sum by rule (index in RuleSet::rules()), and within it by the function to blame; one with key "" when there is
  /// none.
  std::map<size_t, Sums> by_rule;
  /// Sum by the user's function nearest to the leaf, whatever the rule: what changes are measured on.
  Sums by_own_function;
};

/// Pure. Cost: a few regular expressions for each distinct function, then one walk a distinct stack.
Attribution attribute(const profile::Profile& p, const RuleSet& rules, findings::Resource resource);

}  // namespace watchfire::agent
