#pragma once

#include <string>

#include "agent/analyst/analyst.h"
#include "agent/analyst/attribution.h"
#include "agent/analyst/rule_set.h"

namespace watchfire::agent {

/// Makes findings about one resource of one service out of sums, with the evidence that anybody can ask for again.
/// Refers to what it is made with.
class FindingBuilder {
 public:
  FindingBuilder(const std::string& service, const AnalystRequest& request, const profile::MergeResult& merged,
                 findings::Resource resource, int64_t total, int64_t samples);

  /// A value of the profile in the resource's unit: cores, bytes/s, bytes ...
  double amount(int64_t value) const { return static_cast<double>(value) * factor_; }
  findings::Finding of_rule(const Rule& rule, const OwnFunction& function, int64_t value) const;
  /// `change` in the resource's unit.
  findings::Finding of_change(const ChangeRule& rule, const OwnFunction& function, findings::Change change,
                              int64_t samples) const;

 private:
  findings::Finding begin(const std::string& cause_class, const OwnFunction& function, double amount) const;
  findings::Evidence evidence(const OwnFunction& function, double credited) const;
  std::string fill(std::string text, const findings::Finding& f) const;

  const std::string& service_;
  const AnalystRequest& request_;
  const profile::MergeResult& merged_;
  findings::Resource resource_;
  int64_t total_;
  int64_t samples_;
  double factor_ = 1;
};

/// What turns a value of a profile covering this long into the resource's unit: ns of CPU into cores ...
double amount_factor(findings::Resource resource, DurationNs covered);
/// Equal for equal causes, whatever the window.
std::string finding_key(const std::string& service, const std::string& cause, const OwnFunction& function);
/// The command that shows the function between its neighbours, or without one the heaviest functions.
std::string evidence_command(const std::string& service, const profile::ProfileType& type, TimeRange range,
                             const std::string& function);

/// 'it'"'"'s': a word that a POSIX shell takes as it is.
std::string shell_quoted(std::string_view word);

}  // namespace watchfire::agent
