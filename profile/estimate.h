#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// A sum over samples, and how far chance may have it from the truth. Sums of disjoint sets of samples add up.
struct Estimate {
  double value = 0;     ///< in the column's unit
  double variance = 0;  ///< of value
  double samples = 0;   ///< how often a sampler looked to get it

  double error() const { return std::sqrt(variance); }  ///< one standard error
  Estimate& operator+=(const Estimate& other) {
    value += other.value;
    variance += other.variance;
    samples += other.samples;
    return *this;
  }
};

/// How far two values have to be apart to differ by more than chance: two combined standard errors,
/// which chance alone exceeds once in twenty times.
inline double distinguishable(const Estimate& a, const Estimate& b) {
  return 2 * std::sqrt(a.variance + b.variance);
}

/// The value of each sample of one column with its error, by how the profile was taken:
///
/// - a period in the column's unit that is no size (CPU): n samples of one weight, variance value^2 / n, n being what a
///   column of counts says, else value / period;
/// - a period of bytes (Go's and gperftools' heaps), where an object of s bytes is seen with probability
///   p = 1 - exp(-s / period) and counts 1 / p times: n = objects * p, variance n * (1 - p) / p^2 * s^2, so that large
///   objects have next to no error;
/// - no period: a row is one sample, unless a column of counts says more.
std::vector<Estimate> sample_estimates(const Profile& p, size_t column);

}  // namespace watchfire::profile
