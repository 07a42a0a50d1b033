#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/compare/comparison.h"

namespace watchfire::agent {

/// Writes the amounts of one section, all in the same unit: "4.03 ± 0.20 s".
class Amounts {
 public:
  explicit Amounts(const Section& section);
  std::string number(double value) const;
  std::string text(double value) const { return number(value) + unit_; }
  std::string signed_text(double value) const { return (value < 0 ? "" : "+") + text(value); }
  std::string with_error(const profile::Estimate& e) const;
  /// " s", " MB"; "" for plain counts.
  const std::string& unit() const { return unit_; }

 private:
  double divisor_ = 1;
  int decimals_ = 0;
  std::string unit_;
};

/// What one component makes of the difference between two implementations.
struct Gap {
  std::string component;
  profile::Estimate difference;  ///< positive: costs more than the other
  std::string function;          ///< the own function that makes most of it; "" when it is nobody's
  double of_function = 0;        ///< the difference it makes
  bool is_chance = false;        ///< no larger than the errors
};
/// All components, the largest differences first.
std::vector<Gap> gaps(const Section& section, size_t candidate, size_t against);

/// What an implementation spends on one part, and how much better it would be without that: an upper bound.
struct Headroom {
  profile::Part part;
  profile::Estimate cost;
  double share = 0;
  double share_error = 0;
  double best_ratio = 1;  ///< total / (total - cost)
};
/// The costliest parts of the first place.
std::vector<Headroom> headroom(const Section& section, size_t max);

/// A component or function as short as it can be without being mistaken: paths of packages are left out.
std::string component_label(const Section& section, const std::string& component);
std::string function_label(const std::string& function);

/// "1", "2=", "3?" for too few samples.
std::string rank_text(const profile::Place& place);
/// One or two sentences that say what an implementation costs and why. Names are as the profiles have them: escape.
std::string explanation(const Section& section, const profile::Place& place, double min_samples);
/// What to take: the first of every section, and the least CPU over all phases.
std::vector<std::string> verdict(const Comparison& comparison);
/// "maps in index.(*segmented).Add: 1.20 ± 0.10 s, 31 ± 2 %; without it 1.45x better at most".
std::string headroom_text(const Section& section, const Headroom& h, const Amounts& amounts);
/// What ±, = and ? mean.
std::string_view legend();
/// "31 ± 2 %".
std::string share_text(double share, double error);

}  // namespace watchfire::agent
