#include "profile/compare.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace watchfire::profile {
namespace {

/// The mean of some runs' sums; those that lack the part count as zero.
Estimate mean(const std::vector<Estimate>& of_runs) {
  auto n = static_cast<double>(of_runs.size());
  Estimate sum;
  for (const Estimate& e : of_runs) sum += e;
  double value = sum.value / n;
  double variance = sum.variance / (n * n);
  if (of_runs.size() > 1) {
    double squares = 0;
    for (const Estimate& e : of_runs) squares += (e.value - value) * (e.value - value);
    variance = std::max(variance, squares / (n - 1) / n);
  }
  return {value, variance, sum.samples};
}

using Key = std::function<Part(const Part&)>;

/// One candidate's means, its parts being made coarser by `key`.
std::map<Part, Estimate> means(const Candidate& c, const Key& key) {
  std::map<Part, std::vector<Estimate>> by_run;
  for (size_t r = 0; r < c.runs.size(); ++r)
    for (const auto& [part, estimate] : c.runs[r]) {
      std::vector<Estimate>& runs = by_run[key(part)];
      runs.resize(c.runs.size());
      runs[r] += estimate;
    }
  std::map<Part, Estimate> out;
  for (const auto& [part, runs] : by_run) out[part] = mean(runs);
  return out;
}

std::vector<MatrixRow> rows(const std::vector<Candidate>& candidates, const Key& key) {
  std::map<Part, std::vector<Estimate>> cells;
  for (size_t c = 0; c < candidates.size(); ++c)
    for (const auto& [part, estimate] : means(candidates[c], key)) {
      std::vector<Estimate>& row = cells[part];
      row.resize(candidates.size());
      row[c] = estimate;
    }
  std::vector<MatrixRow> out;
  for (auto& [part, row] : cells) out.push_back({part, std::move(row)});
  std::ranges::sort(out, [](const MatrixRow& a, const MatrixRow& b) {
    return std::pair(-a.largest(), a.part) < std::pair(-b.largest(), b.part);
  });
  return out;
}

Estimate total(const Candidate& c) {
  auto whole = means(c, [](const Part&) { return Part(); });
  return whole.empty() ? Estimate() : whole.begin()->second;
}

/// Error of a / b, both being uncertain.
double ratio_error(const Estimate& a, const Estimate& b) {
  if (a.value == 0 || b.value == 0) return 0;
  double relative = a.variance / (a.value * a.value) + b.variance / (b.value * b.value);
  return a.value / b.value * std::sqrt(relative);
}

std::vector<Place> rank(const std::vector<Estimate>& totals, double min_samples) {
  std::vector<Place> places(totals.size());
  for (size_t i = 0; i < places.size(); ++i) places[i].candidate = i;
  std::ranges::sort(places, std::less(),
                    [&](const Place& p) { return std::pair(totals[p.candidate].value, p.candidate); });
  size_t leader = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    const Estimate& mine = totals[places[i].candidate];
    const Estimate& best = totals[places[0].candidate];
    const Estimate& first = totals[places[leader].candidate];
    if (i > leader && mine.value - first.value <= distinguishable(mine, first))
      places[i].tied = places[leader].tied = true;
    else
      leader = i;
    places[i].rank = leader + 1;
    places[i].few_samples = mine.samples < min_samples;
    if (best.value != 0) places[i].ratio = mine.value / best.value;
    if (i != 0) places[i].ratio_error = ratio_error(mine, best);
  }
  return places;
}

}  // namespace

double MatrixRow::largest() const {
  double max = 0;
  for (const Estimate& e : cells) max = std::max(max, std::abs(e.value));
  return max;
}

double Matrix::share_error(double share, double samples) {
  share = std::clamp(share, 0.0, 1.0);
  return samples > 0 ? std::sqrt(share * (1 - share) / samples) : 0;
}

Matrix compare(const std::vector<Candidate>& candidates, double min_samples) {
  Matrix m;
  for (const Candidate& c : candidates) {
    m.names.push_back(c.name);
    m.totals.push_back(total(c));
    m.runs.push_back(c.runs.size());
    double seconds = std::accumulate(c.run_seconds.begin(), c.run_seconds.end(), 0.0);
    m.seconds.push_back(c.run_seconds.empty() ? 0 : seconds / static_cast<double>(c.run_seconds.size()));
  }
  m.components = rows(candidates, [](const Part& p) { return Part{p.component, ""}; });
  m.functions = rows(candidates, [](const Part& p) { return Part{"", p.function}; });
  m.parts = rows(candidates, [](const Part& p) { return p; });
  m.ranking = rank(m.totals, min_samples);
  return m;
}

}  // namespace watchfire::profile
