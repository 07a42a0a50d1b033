#include "profile/merge.h"

#include <gtest/gtest.h>

#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "profile/function_totals.h"
#include "profile/sample_edit.h"
#include "profile/scale.h"
#include "tests/support/random_profile.h"

namespace watchfire::profile {
namespace {

using converters::encode_pprof;
using testing::random_profile;

int64_t total(const Profile& p, size_t column) {
  int64_t sum = 0;
  for (int64_t v : p.values[column]) sum += v;
  return sum;
}

Profile merged(std::initializer_list<const Profile*> sources) {
  auto r = merge(std::vector<const Profile*>(sources));
  EXPECT_TRUE(r) << r.error().message;
  EXPECT_TRUE(validate(*r)) << validate(*r).error().message;
  return *std::move(r);
}

TEST(Merge, conserves_totals) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Profile a = random_profile(seed, {.negative_values = true});
    Profile b = random_profile(seed + 100);
    Profile c = merged({&a, &b});
    for (size_t t = 0; t < 2; ++t) EXPECT_EQ(total(c, t), total(a, t) + total(b, t));
    EXPECT_EQ(c.duration_ns, a.duration_ns + b.duration_ns);
    EXPECT_EQ(c.time_ns, std::min(a.time_ns, b.time_ns));
  }
}

TEST(Merge, is_associative) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Profile a = random_profile(seed);
    Profile b = random_profile(seed + 1000);
    Profile c = random_profile(seed + 2000);
    Profile ab = merged({&a, &b});
    Profile bc = merged({&b, &c});
    std::string once = encode_pprof(merged({&a, &b, &c}));
    EXPECT_EQ(encode_pprof(merged({&ab, &c})), once);
    EXPECT_EQ(encode_pprof(merged({&a, &bc})), once);
  }
}

TEST(Merge, of_one_profile_with_itself_doubles_it) {
  Profile a = random_profile(4);
  Profile one = merged({&a});
  Profile two = merged({&a, &a});
  EXPECT_EQ(two.sample_count(), one.sample_count());
  EXPECT_EQ(two.locations.size(), one.locations.size());
  for (size_t i = 0; i < one.sample_count(); ++i) EXPECT_EQ(two.values[1][i], 2 * one.values[1][i]);
}

TEST(Merge, drops_what_cancels_with_all_that_it_used) {
  Profile a = random_profile(5);
  Profile minus = a;
  scale_values(minus, -1);
  Profile none = merged({&a, &minus});
  EXPECT_EQ(none.sample_count(), 0u);
  EXPECT_TRUE(none.locations.empty());
  EXPECT_TRUE(none.functions.empty());
  EXPECT_EQ(none.mappings.size(), 1u);  // the main binary stays
}

TEST(Merge, normalises_addresses_by_their_mapping) {
  Profile a = random_profile(6, {.mappings = 1, .unsymbolized = true});
  Profile moved = a;
  for (Mapping& m : moved.mappings) m.start += 0x70000000, m.limit += 0x70000000;
  for (Location& l : moved.locations) l.address += 0x70000000;
  Profile both = merged({&a, &moved});
  EXPECT_EQ(both.mappings.size(), 1u);
  EXPECT_EQ(both.locations.size(), merged({&a}).locations.size());
  EXPECT_EQ(both.locations[0].address, merged({&a}).locations[0].address);
}

TEST(Merge, refuses_other_types) {
  Profile a = random_profile(7);
  Profile b = random_profile(7, {.sample_types = 3});
  Merger merger;
  ASSERT_TRUE(merger.add(a));
  auto r = merger.add(b);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("incompatible sample types"), std::string::npos);
  EXPECT_EQ(merger.source_count(), 1u);
}

TEST(Merge, without_labels_sums_by_stack) {
  Profile a = random_profile(8, {.locations = 4, .samples = 2000, .max_depth = 3});
  Merger merger(MergeLabels::kDrop);
  ASSERT_TRUE(merger.add(a));
  ASSERT_TRUE(merger.add(a));
  Profile m = merger.finish();
  EXPECT_LE(m.sample_count(), a.stacks.size());
  EXPECT_EQ(m.label_sets.size(), 1u);
  for (size_t t = 0; t < 2; ++t) EXPECT_EQ(total(m, t), 2 * total(a, t));
  FunctionTotals one = function_totals(a, 0);
  FunctionTotals two = function_totals(m, 0);
  EXPECT_EQ(two.total, 2 * one.total);
}

TEST(Scale, rounds_halves_away_and_drops_zeros) {
  Profile p = random_profile(9, {.samples = 0});
  for (int64_t v : {1, -1, 2, 3, 0}) p.add_sample({}, {}, std::vector<int64_t>{v, 7});
  std::vector<double> ratios = {0.5, 1};
  scale_values(p, ratios);
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{1, -1, 1, 2}));
  EXPECT_EQ(p.values[1], (std::vector<int64_t>{7, 7, 7, 7}));
}

TEST(Scale, normalize_makes_sums_equal) {
  Profile a = random_profile(10);
  Profile b = random_profile(11, {.samples = 1000});
  ASSERT_TRUE(normalize(a, b));
  for (size_t t = 0; t < 2; ++t) EXPECT_NEAR(static_cast<double>(total(a, t)), static_cast<double>(total(b, t)), 200);
}

TEST(Scale, brings_units_to_the_finest_and_types_to_the_common_ones) {
  Profile a = random_profile(12, {.sample_types = 3});
  Profile b = random_profile(13);
  b.sample_types[1].unit = b.strings.intern("microseconds");
  int64_t before = total(b, 1);
  std::vector<Profile*> both = {&a, &b};
  ASSERT_TRUE(keep_common_sample_types(both));
  ASSERT_TRUE(harmonize_units(both));
  EXPECT_EQ(a.sample_types.size(), 2u);
  EXPECT_EQ(b.text(b.sample_types[1].unit), "nanoseconds");
  EXPECT_EQ(total(b, 1), before * 1000);
  EXPECT_TRUE(merge(std::vector<const Profile*>{&a, &b}));
}

TEST(Merger, takes_no_room_for_samples_that_fall_together) {
  Profile p;
  p.sample_types.resize(1);
  p.locations.push_back({.id = 1});
  for (int i = 0; i < 200'000; ++i) p.add_sample(std::vector<uint32_t>{0}, {}, std::vector<int64_t>{1});
  Merger merger;
  ASSERT_TRUE(merger.add(p));
  EXPECT_LT(merger.memory_bytes(), 100'000u);
  EXPECT_EQ(merger.finish().values, (std::vector<std::vector<int64_t>>{{200'000}}));
}

TEST(FunctionTotals, count_a_recursive_function_once) {
  Profile p;
  p.sample_types.push_back({});
  p.functions.push_back({.id = 1, .name = p.strings.intern("f")});
  p.functions.push_back({.id = 2, .name = p.strings.intern("g")});
  p.mappings.push_back({.id = 1, .file = p.strings.intern("/lib/libc.so")});
  p.lines = {{0}, {1}, {0}};
  p.locations.push_back({.id = 1, .first_line = 0, .line_count = 2});  // f inlined into g
  p.locations.push_back({.id = 2, .first_line = 2, .line_count = 1});
  p.locations.push_back({.id = 3, .mapping = 0});
  p.add_sample(std::vector<uint32_t>{0, 1, 1, 0}, {}, std::vector<int64_t>{5});
  p.add_sample(std::vector<uint32_t>{2, 1}, {}, std::vector<int64_t>{3});
  FunctionTotals t = function_totals(p, 0);
  ASSERT_EQ(t.functions.size(), 3u);
  EXPECT_EQ(t.total, 8);
  EXPECT_EQ(t.functions[0].flat, 5);
  EXPECT_EQ(t.functions[0].cum, 8);
  EXPECT_EQ(t.functions[1].flat, 0);
  EXPECT_EQ(t.functions[1].cum, 5);
  EXPECT_EQ(p.text(t.functions[2].object), "/lib/libc.so");
  EXPECT_EQ(t.functions[2].flat, 3);
}

}  // namespace
}  // namespace watchfire::profile
