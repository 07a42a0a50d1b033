#include "profile/profile.h"

#include <gtest/gtest.h>

#include "tests/support/random_profile.h"

namespace watchfire::profile {
namespace {

TEST(Profile, interns_stacks_and_label_sets_of_samples) {
  Profile p = testing::random_profile(1);
  size_t stacks = p.stacks.size();
  std::vector<uint32_t> stack(p.stacks[p.sample_stacks[0]].begin(), p.stacks[p.sample_stacks[0]].end());
  p.add_sample(stack, {}, std::vector<int64_t>{1, 2});
  EXPECT_EQ(p.stacks.size(), stacks);
  EXPECT_EQ(p.sample_stacks.back(), p.sample_stacks[0]);
  EXPECT_EQ(p.sample_label_sets.back(), 0u);
  EXPECT_EQ(p.values[1].back(), 2);
}

TEST(Profile, validation_names_what_is_broken) {
  Profile good = testing::random_profile(2);
  ASSERT_TRUE(validate(good));
  auto message = [](Profile p) { return validate(p).error().message; };
  Profile p = good;
  p.lines[0].function = 1000;
  EXPECT_EQ(message(p), "profile: line with unknown function (element 0)");
  p = good;
  p.locations[3].id = p.locations[2].id;
  EXPECT_NE(message(p).find("multiple locations with id"), std::string::npos);
  p = good;
  p.values[1].pop_back();
  EXPECT_NE(message(p).find("value column"), std::string::npos);
  p = good;
  p.sample_types.clear();
  EXPECT_NE(message(p).find("missing sample type"), std::string::npos);
}

TEST(Profile, sample_index_takes_numbers_names_and_the_default) {
  Profile p;
  for (const char* type : {"alloc_space", "objects", "space"}) p.sample_types.push_back({p.strings.intern(type), 0});
  EXPECT_EQ(*sample_index(p, ""), 2u);
  EXPECT_EQ(*sample_index(p, "1"), 1u);
  EXPECT_EQ(*sample_index(p, "alloc_space"), 0u);
  EXPECT_EQ(*sample_index(p, "inuse_objects"), 1u);
  EXPECT_EQ(sample_index(p, "7").error().message, "sample_index 7 is outside the range [0..2]");
  EXPECT_EQ(sample_index(p, "cpu").error().message, "sample_index \"cpu\" must be one of: [alloc_space objects space]");
  p.default_sample_type = p.strings.intern("objects");
  EXPECT_EQ(*sample_index(p, ""), 1u);
  p.default_sample_type = p.strings.intern("gone");
  EXPECT_EQ(*sample_index(p, ""), 2u);
}

TEST(Profile, memory_grows_with_its_samples) {
  size_t few = testing::random_profile(1, {.samples = 10}).memory_bytes();
  EXPECT_GT(testing::random_profile(1, {.samples = 10000}).memory_bytes(), few + 10000 * 16);
}

}  // namespace
}  // namespace watchfire::profile
