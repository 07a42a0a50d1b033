#pragma once

#include <map>

#include "agent/analyst/rule_set.h"
#include "profile/compare.h"

namespace watchfire::agent {

/// One column of a profile in parts: each sample belongs to the first component of the rules that matches its stack, or
/// to the user's package or namespace when the user's own code is at its leaf, or to the library that the user called;
/// and to the user's function nearest to the leaf, by stable_name. Cost: a few regular expressions a distinct function.
std::map<profile::Part, profile::Estimate> break_down(const profile::Profile& p, size_t column, const RuleSet& rules);

/// "package a/b", "namespace app::index" of a function by its own name; "own code" when the name has neither.
std::string unit_of(std::string_view own_name);

}  // namespace watchfire::agent
