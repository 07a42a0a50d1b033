#include "converters/pprof/id_map.h"

#include <gtest/gtest.h>

#include <ctime>
#include <unordered_map>

namespace watchfire::converters {
namespace {

TEST(IdMap, takes_ids_chosen_to_collide_as_fast_as_others) {
  constexpr uint32_t kIds = 60'000;
  std::unordered_map<uint64_t, uint32_t> plain;
  for (uint32_t i = 0; i < kIds; ++i) plain[i] = i;
  IdMap ids(kIds);
  std::clock_t start = std::clock();
  for (uint32_t i = 0; i < kIds; ++i) EXPECT_TRUE(ids.insert((i + 3) * plain.bucket_count(), i));
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 2);
  EXPECT_FALSE(ids.insert(3 * plain.bucket_count(), 7));
  EXPECT_EQ(ids.find(10 * plain.bucket_count()), 7u);
  EXPECT_EQ(ids.find(2 * plain.bucket_count() + 1), profile::kNone);
}

}  // namespace
}  // namespace watchfire::converters
