#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <ctime>
#include <set>
#include <string>

#include "base/intern.h"

namespace watchfire {
namespace {

uint64_t inverse(uint64_t odd) {
  uint64_t x = odd;
  for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
  return x;
}

/// The eight bytes whose XXH3 without a seed is `hash`: its steps backwards.
std::string text_with_plain_hash(uint64_t hash) {
  constexpr uint64_t kFactor = 0x9fb21c651e98df25;
  uint64_t h = hash;
  h ^= h >> 28 ^ h >> 56;
  h *= inverse(kFactor);
  h ^= (h >> 35) + 8;
  h *= inverse(kFactor);
  for (int i = 0; i < 63; ++i) h ^= std::rotl(h, 49) ^ std::rotl(h, 24);
  uint64_t flips[2];
  std::memcpy(flips, XXH3_kSecret + 8, sizeof flips);
  h = std::rotl(h ^ flips[0] ^ flips[1], 32);
  return {reinterpret_cast<const char*>(&h), sizeof h};
}

TEST(KeyedHash, spreads_keys_chosen_to_collide) {
  std::set<uint32_t> hashes;
  for (uint64_t i = 1; i <= 1000; ++i) {
    std::string text = text_with_plain_hash(i << 32);
    ASSERT_EQ(XXH3_64bits(text.data(), text.size()), i << 32);
    hashes.insert(static_cast<uint32_t>(keyed_hash(text.data(), text.size())));
  }
  EXPECT_GT(hashes.size(), 990u);
}

TEST(KeyedHash, differs_from_key_to_key_and_not_from_call_to_call) {
  EXPECT_NE(HashKey::draw().seed, HashKey::draw().seed);
  for (std::string text : {std::string("a"), std::string(8, 'a'), std::string(30, 'a'), std::string(1000, 'a')}) {
    EXPECT_EQ(KeyedHash()(text), KeyedHash()(text));
    EXPECT_NE(KeyedHash()(text), XXH3_64bits(text.data(), text.size()));
  }
}

TEST(StringTable, takes_texts_chosen_to_collide_as_fast_as_others) {
  StringTable table;
  std::clock_t start = std::clock();
  for (uint64_t i = 1; i <= 60'000; ++i) EXPECT_EQ(table.intern(text_with_plain_hash(i << 32)), i);
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC / 2);
}

}  // namespace
}  // namespace watchfire
