#pragma once

#include <optional>
#include <string>
#include <vector>

#include "findings/finding.h"
#include "profile/query.h"

namespace watchfire::agent {

/// What is left of a claimed finding.
struct Verdict {
  std::optional<findings::Finding> finding;  ///< none: the claim was struck as a whole
  std::vector<std::string> struck;           ///< why, one sentence a strike; names inside are not escaped
};

/// Checks a finding that a model claims against the profiles themselves.
///
/// Every evidence query runs again. Evidence is struck when it can't be run, is not about the finding's service, names
/// a function the profile doesn't have, or holds a number (flat, cum, total, samples) that is more than 0.5 % away from
/// the profile's. The finding is struck when no evidence about its function is left, when its share or amount is
/// neither that of the function's cum nor of its flat, when it promises to gain more than the amount, or when its texts
/// carry numbers or links, which nobody could check. In what is left every number comes from the profiles, not from
/// the model: amount, share, samples, evidence; confidence is cut to what the samples allow; key, author and command
/// are ours.
Verdict verify(profile::Query& query, const findings::Finding& claimed);

/// Measures an open finding of a model again in a new window. Life is kFixed when its cost fell to less than half and
/// beyond chance, kOpen otherwise. Nothing when the window doesn't tell: no profiles, or too few samples.
std::optional<findings::Finding> measure_again(profile::Query& query, const findings::Finding& known, TimeRange window);

}  // namespace watchfire::agent
