#pragma once

#include <span>
#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// What one function cost: `flat` in itself, `cum` with all it called. Functions are told apart by name and file.
/// Locations without symbols are one entry per binary: name 0, `object` the binary's file.
struct FunctionTotal {
  StringId name = 0;
  StringId file = 0;
  StringId object = 0;
  int64_t flat = 0;
  int64_t cum = 0;
};

struct FunctionTotals {
  std::vector<FunctionTotal> functions;  ///< in order of their first location; also those with zeros
  int64_t total = 0;                     ///< sum of the column
};

/// Flat and cum of every function for one value column. A function that recurses counts once a stack.
/// Cost: O(samples + frames of the distinct stacks).
FunctionTotals function_totals(const Profile& p, size_t column);

/// Sum of one column per distinct stack.
std::vector<int64_t> stack_sums(const Profile& p, size_t column);

}  // namespace watchfire::profile
