#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/analyst/attribution.h"
#include "findings/finding.h"

namespace watchfire::agent {

/// What one window measured, for comparing it with another.
struct WindowCost {
  std::map<OwnFunction, int64_t> by_function;  ///< in the unit of the values
  int64_t total = 0;
  double seconds = 0;     ///< covered
  double per_sample = 0;  ///< value of one sample: period, or total / samples
  double dispersion = 1;  ///< variance of window totals against that of Poisson counts, at least 1
};

struct FunctionChange {
  OwnFunction function;
  findings::Change change;  ///< in value per second
  int64_t samples = 0;      ///< in both windows
};

/// Functions whose cost a second rose from `before` to `after` beyond chance, largest growth first.
///
/// Counts are taken as Poisson, widened by the dispersion seen between parts of the windows; the threshold keeps the
/// chance of any false report among all functions of a comparison below 0.1 % (Bonferroni). Growth below
/// `min_relative` of what was is never reported.
std::vector<FunctionChange> rising_functions(const WindowCost& before, const WindowCost& after, double min_relative);

/// Variance to mean of counts in equal parts of a window, at least 1; 1 with fewer than 4 parts.
double dispersion_of(const std::vector<double>& counts);

}  // namespace watchfire::agent
