#include "agent/analyst/change.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace watchfire::agent {
namespace {

constexpr double kFalseReports = 1e-3;
constexpr double kZ95 = 1.96;
constexpr double kMinSamples = 20;

// The z with P(N(0,1) > z) = p, for small p, by bisection of erfc.
double upper_quantile(double p) {
  double low = 0, high = 40;
  for (int i = 0; i < 60; ++i) {
    double mid = (low + high) / 2;
    (std::erfc(mid / std::sqrt(2.0)) / 2 > p ? low : high) = mid;
  }
  return high;
}

struct Rate {
  double per_second = 0;
  double variance = 0;
  double samples = 0;
};

Rate rate_of(const WindowCost& w, const OwnFunction& f) {
  auto it = w.by_function.find(f);
  double value = it == w.by_function.end() ? 0 : static_cast<double>(it->second);
  Rate r;
  r.samples = value / w.per_sample;
  r.per_second = value / w.seconds;
  // One sample more, so that a function never seen before has an error, too.
  double sd = w.per_sample / w.seconds;
  r.variance = (r.samples + 1) * w.dispersion * sd * sd;
  return r;
}

}  // namespace

double dispersion_of(const std::vector<double>& counts) {
  if (counts.size() < 4) return 1;
  double mean = 0, square = 0;
  for (double c : counts) mean += c;
  mean /= static_cast<double>(counts.size());
  if (mean <= 0) return 1;
  for (double c : counts) square += (c - mean) * (c - mean);
  return std::max(1.0, square / static_cast<double>(counts.size() - 1) / mean);
}

std::vector<FunctionChange> rising_functions(const WindowCost& before, const WindowCost& after, double min_relative) {
  std::vector<FunctionChange> out;
  if (before.seconds <= 0 || after.seconds <= 0 || before.per_sample <= 0 || after.per_sample <= 0) return out;
  std::set<OwnFunction> all;
  for (const auto& [f, v] : after.by_function) all.insert(f);  // first, so that its symbols are the ones named
  for (const auto& [f, v] : before.by_function) all.insert(f);
  double threshold = upper_quantile(kFalseReports / static_cast<double>(std::max<size_t>(1, all.size())));
  for (const OwnFunction& f : all) {
    Rate was = rate_of(before, f), is = rate_of(after, f);
    double growth = is.per_second - was.per_second, error = std::sqrt(was.variance + is.variance);
    if (is.samples < kMinSamples || growth < threshold * error || growth < min_relative * was.per_second) continue;
    out.push_back({f,
                   {was.per_second, is.per_second, growth - kZ95 * error, growth + kZ95 * error},
                   static_cast<int64_t>(was.samples + is.samples)});
  }
  std::ranges::sort(out, std::greater<>(), [](const FunctionChange& c) { return c.change.after - c.change.before; });
  return out;
}

}  // namespace watchfire::agent
