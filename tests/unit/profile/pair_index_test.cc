#include "profile/pair_index.h"

#include <gtest/gtest.h>

#include <ctime>
#include <utility>
#include <vector>

namespace watchfire::profile {
namespace {

TEST(PairIndex, takes_pairs_chosen_to_collide_as_fast_as_others) {
  // All have the same low 18 bits of the product that would place them if no seed came in.
  constexpr uint64_t kFactor = 0x9e3779b97f4a7c15;
  uint32_t inverse = 1;
  for (int i = 0; i < 5; ++i) inverse *= 2 - static_cast<uint32_t>(kFactor) * inverse;
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (uint32_t b = 0; b < 60'000; ++b) {
    uint64_t product = b * kFactor;
    uint32_t high = static_cast<uint32_t>(product) - static_cast<uint32_t>(product >> 32);
    pairs.emplace_back((high * inverse) & 0x3ffff, b);
  }
  PairIndex index;
  std::clock_t start = std::clock();
  for (uint32_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(index.intern(pairs[i].first, pairs[i].second), i);
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 2);
}

}  // namespace
}  // namespace watchfire::profile
