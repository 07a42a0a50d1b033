#include "profile/compare.h"

#include <gtest/gtest.h>

#include <random>

namespace watchfire::profile {
namespace {

Profile with_columns(std::initializer_list<std::pair<const char*, const char*>> columns, const char* period_unit,
                     int64_t period) {
  Profile p;
  for (auto [type, unit] : columns) p.sample_types.push_back({p.strings.intern(type), p.strings.intern(unit)});
  p.values.resize(p.sample_types.size());
  p.period_type = {p.strings.intern("space"), p.strings.intern(period_unit)};
  p.period = period;
  return p;
}

void add(Profile& p, std::initializer_list<int64_t> values) {
  std::vector<int64_t> row(values);
  p.add_sample({}, {}, row);
}

Estimate total(const Profile& p, size_t column) {
  Estimate sum;
  for (const Estimate& e : sample_estimates(p, column)) sum += e;
  return sum;
}

Candidate candidate(const char* name, std::vector<double> totals, double samples) {
  Candidate c;
  c.name = name;
  for (double t : totals) c.runs.push_back({{{"part", "f"}, {t, t * t / samples, samples}}});
  return c;
}

TEST(Estimates, error_of_cpu_falls_with_the_root_of_its_samples) {
  Profile p = with_columns({{"samples", "count"}, {"cpu", "nanoseconds"}}, "nanoseconds", 10'000'000);
  add(p, {300, 3'000'000'000});
  add(p, {100, 1'000'000'000});
  Estimate e = total(p, 1);
  EXPECT_DOUBLE_EQ(e.value, 4e9);
  EXPECT_DOUBLE_EQ(e.samples, 400);
  EXPECT_NEAR(e.error(), 4e9 / 20, 1);
}

TEST(Estimates, events_of_perf_have_the_error_of_their_samples) {
  Profile p = with_columns(
      {{"faults_sample", "count"}, {"faults_event", "count"}, {"cycles_sample", "count"}, {"cycles_event", "count"}},
      "", 0);
  add(p, {0, 0, 300, 300'000'000});
  add(p, {7, 7000, 100, 100'000'000});
  for (size_t column : {2u, 3u}) EXPECT_DOUBLE_EQ(total(p, column).samples, 400);
  EXPECT_NEAR(total(p, 3).error(), 4e8 / 20, 1);
}

TEST(Estimates, cpu_without_counts_is_counted_in_periods) {
  Profile p = with_columns({{"cpu", "nanoseconds"}}, "nanoseconds", 10'000'000);
  add(p, {1'000'000'000});
  EXPECT_DOUBLE_EQ(total(p, 0).samples, 100);
  EXPECT_NEAR(total(p, 0).error(), 1e8, 1);
}

TEST(Estimates, objects_larger_than_the_period_have_next_to_no_error) {
  Profile p = with_columns({{"alloc_objects", "count"}, {"alloc_space", "bytes"}}, "bytes", 1000);
  add(p, {50, 50 * 100'000});
  EXPECT_LT(total(p, 1).error(), 1);
  EXPECT_NEAR(total(p, 1).samples, 50, 1e-6);
}

TEST(Estimates, error_of_allocations_is_that_of_a_sampler) {
  // The sampler itself, many times over: objects of 64 bytes are seen once in 1 - exp(-64 / 4096).
  constexpr double kPeriod = 4096, kSize = 64, kObjects = 100'000;
  const double seen = 1 - std::exp(-kSize / kPeriod);
  std::mt19937_64 random(1);
  std::binomial_distribution<int> sampler(static_cast<int>(kObjects), seen);
  double sum = 0, squares = 0, predicted = 0;
  constexpr int kRuns = 2000;
  for (int i = 0; i < kRuns; ++i) {
    Profile p =
        with_columns({{"alloc_objects", "count"}, {"alloc_space", "bytes"}}, "bytes", static_cast<int64_t>(kPeriod));
    auto objects = static_cast<int64_t>(sampler(random) / seen);
    add(p, {objects, objects * static_cast<int64_t>(kSize)});
    Estimate e = total(p, 1);
    sum += e.value;
    squares += e.value * e.value;
    predicted += e.variance;
  }
  double mean = sum / kRuns;
  EXPECT_NEAR(mean, kObjects * kSize, 0.005 * kObjects * kSize);
  EXPECT_NEAR(std::sqrt(squares / kRuns - mean * mean), std::sqrt(predicted / kRuns),
              0.1 * std::sqrt(predicted / kRuns));
}

TEST(Compare, ranks_the_cheapest_first) {
  Matrix m = compare({candidate("slow", {9}, 900), candidate("fast", {3}, 300)}, 100);
  ASSERT_EQ(m.ranking.size(), 2u);
  EXPECT_EQ(m.names[m.ranking[0].candidate], "fast");
  EXPECT_EQ(m.ranking[1].rank, 2u);
  EXPECT_FALSE(m.ranking[1].tied);
  EXPECT_DOUBLE_EQ(m.ranking[1].ratio, 3);
  EXPECT_NEAR(m.ranking[1].ratio_error, 3 * std::sqrt(1.0 / 900 + 1.0 / 300), 1e-9);
}

TEST(Compare, what_differs_less_than_two_errors_is_a_tie) {
  // Errors are 0.2 and 0.2 (about): 0.5 apart is within 2 * sqrt(0.08) = 0.57, 0.7 is not.
  auto at = [](double second) { return compare({candidate("a", {4}, 400), candidate("b", {second}, 400)}, 100); };
  EXPECT_TRUE(at(4.5).ranking[1].tied);
  EXPECT_TRUE(at(4.5).ranking[0].tied);
  EXPECT_EQ(at(4.5).ranking[1].rank, 1u);
  EXPECT_FALSE(at(4.7).ranking[1].tied);
  EXPECT_EQ(at(4.7).ranking[1].rank, 2u);
}

TEST(Compare, ties_do_not_chain_beyond_the_first_of_them) {
  Matrix m = compare({candidate("a", {4}, 400), candidate("b", {4.4}, 400), candidate("c", {4.8}, 400)}, 100);
  EXPECT_EQ(m.ranking[1].rank, 1u);
  EXPECT_EQ(m.ranking[2].rank, 3u);
  EXPECT_FALSE(m.ranking[2].tied);
}

TEST(Compare, few_samples_are_marked) {
  Matrix m = compare({candidate("a", {1}, 99), candidate("b", {9}, 100)}, 100);
  EXPECT_TRUE(m.ranking[0].few_samples);
  EXPECT_FALSE(m.ranking[1].few_samples);
}

TEST(Compare, spread_of_runs_counts_when_it_is_larger_than_the_samples_say) {
  Matrix steady = compare({candidate("a", {4, 4, 4}, 400)}, 100);
  Matrix shaky = compare({candidate("a", {3, 4, 5}, 400)}, 100);
  EXPECT_DOUBLE_EQ(steady.totals[0].value, 4);
  EXPECT_NEAR(steady.totals[0].error(), 4 / std::sqrt(1200.0), 1e-9);
  EXPECT_NEAR(shaky.totals[0].error(), 1 / std::sqrt(3.0), 1e-9);
  EXPECT_DOUBLE_EQ(shaky.totals[0].samples, 1200);
}

TEST(Compare, rows_are_the_same_parts_in_every_column) {
  Candidate a{"a", {{{{"maps", "f"}, {1, 0.1, 10}}, {{"gc", ""}, {2, 0.1, 20}}}}, {}};
  Candidate b{"b", {{{{"maps", "g"}, {5, 0.1, 50}}}}, {}};
  Matrix m = compare({a, b}, 1);
  ASSERT_EQ(m.components.size(), 2u);
  EXPECT_EQ(m.components[0].part.component, "maps");
  EXPECT_DOUBLE_EQ(m.components[0].cells[1].value, 5);
  EXPECT_DOUBLE_EQ(m.components[1].cells[1].value, 0);
  EXPECT_EQ(m.parts.size(), 3u);
  EXPECT_EQ(m.functions.size(), 3u);
}

TEST(Compare, nothing_at_all_ranks_without_harm) {
  Matrix m = compare({Candidate{"a", {{}}, {}}, Candidate{"b", {{}}, {}}}, 100);
  EXPECT_EQ(m.ranking.size(), 2u);
  EXPECT_DOUBLE_EQ(m.ranking[1].ratio, 1);
  EXPECT_TRUE(m.ranking[0].few_samples);
}

}  // namespace
}  // namespace watchfire::profile
