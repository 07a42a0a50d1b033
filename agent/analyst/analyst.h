#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "findings/finding.h"
#include "profile/query.h"

namespace watchfire::agent {

class RuleSet;

/// What to look at.
struct AnalystRequest {
  TimeRange range;
  std::optional<TimeRange> base;  ///< the window to compare with; none: no changes are reported
  std::string service;            ///< "": every service with profiles in the range
  std::string host;               ///< for the digest's head
  size_t max_findings_per_service = 8;
  /// Offline: the files behind a selection, which the commands in findings name. Without it they ask the daemon.
  std::function<std::vector<std::string>(const profile::Selector&, TimeRange)> files;
};

/// The deterministic analyst: reads profiles through Query and says what each service spends its CPU, allocations,
/// heap, locks and goroutines on, and why, by rules that are data (agent/analyst/rules.yaml). No network, no clock, no
/// randomness: equal profiles give equal digests. Immutable; analyze() may run on several threads at once.
class Analyst {
 public:
  /// `rules_file` "": the rules built in. Unknown keys in a file are refused with line and column.
  static Result<Analyst> create(const std::string& rules_file);

  /// One digest; findings have no life yet (see findings::Journal). `progress` gets short lines for people.
  /// Services with too few samples say so instead of findings. Errors: those of Query; kNotFound when the named
  /// service has no profiles in the range.
  Result<findings::Digest> analyze(profile::Query& query, const AnalystRequest& request,
                                   const std::function<void(std::string_view)>& progress = {}) const;

 private:
  explicit Analyst(std::shared_ptr<const RuleSet> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const RuleSet> rules_;
};

}  // namespace watchfire::agent
