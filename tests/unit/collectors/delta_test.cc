#include "collectors/scrape/delta.h"

#include <gtest/gtest.h>

#include <map>

namespace watchfire::collectors {
namespace {

using profile::Profile;

// A Go heap profile: per function name, alloc_space and inuse_space.
Profile heap(const std::map<std::string, std::pair<int64_t, int64_t>>& rows, uint64_t base_id = 0) {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  if (base_id != 0) str("shifts every string id");
  p.sample_types = {{str("alloc_space"), str("bytes")}, {str("inuse_space"), str("bytes")}};
  p.values.resize(2);
  for (const auto& [name, values] : rows) {
    auto i = static_cast<uint32_t>(p.functions.size());
    p.functions.push_back({base_id + i + 1, str(name), str(name), 0, 0});
    p.lines.push_back({i, 3, 0});
    p.locations.push_back({base_id + i + 1, std::hash<std::string>{}(name), profile::kNone, i, 1, false});
    uint32_t stack[] = {i};
    const int64_t v[] = {values.first, values.second};
    p.add_sample(stack, {}, v);
  }
  return p;
}

int64_t total(const Profile& p, std::string_view type) {
  int64_t sum = 0;
  for (size_t t = 0; t < p.sample_types.size(); ++t)
    if (p.text(p.sample_types[t].type) == type)
      for (int64_t v : p.values[t]) sum += v;
  return sum;
}

TEST(DeltaTracker, the_first_scrape_gives_gauges_alone) {
  DeltaTracker tracker;
  Profile first = tracker.next(heap({{"a", {100, 7}}}), "memory");
  ASSERT_EQ(first.sample_types.size(), 1u);
  EXPECT_EQ(total(first, "inuse_space"), 7);
}

TEST(DeltaTracker, twenty_scrapes_with_a_restart_add_up_to_the_endpoints_own_totals) {
  DeltaTracker tracker;
  std::map<std::string, std::pair<int64_t, int64_t>> rows;
  int64_t sum = 0, grown = 0;
  for (int scrape = 0; scrape < 20; ++scrape) {
    if (scrape == 11) rows.clear();  // a new process starts from nothing
    for (int k = 0; k <= scrape % 5; ++k) {
      int64_t add = 1000 * (scrape + 1) + k;
      rows["f" + std::to_string(k)].first += add;
      rows["f" + std::to_string(k)].second = scrape;
      if (scrape > 0) grown += add;
    }
    sum += total(tracker.next(heap(rows, static_cast<uint64_t>(scrape) * 1000), "memory"), "alloc_space");
  }
  EXPECT_EQ(tracker.restarts(), 1u);
  EXPECT_EQ(sum, grown);
}

TEST(DeltaTracker, sees_a_restart_whose_new_total_is_larger) {
  DeltaTracker tracker;
  tracker.next(heap({{"a", {100, 0}}, {"b", {50, 0}}}), "memory");
  Profile after = tracker.next(heap({{"b", {900, 0}}}), "memory");
  EXPECT_EQ(tracker.restarts(), 1u);
  EXPECT_EQ(total(after, "alloc_space"), 900);
}

TEST(DeltaTracker, profiles_without_cumulative_types_pass_unchanged) {
  DeltaTracker tracker;
  Profile p;
  p.sample_types = {{p.strings.intern("cpu"), p.strings.intern("nanoseconds")}};
  p.values = {{5}};
  p.sample_stacks = {0};
  p.sample_label_sets = {0};
  EXPECT_EQ(total(tracker.next(p, "process_cpu"), "cpu"), 5);
  EXPECT_EQ(total(tracker.next(p, "process_cpu"), "cpu"), 5);
}

}  // namespace
}  // namespace watchfire::collectors
