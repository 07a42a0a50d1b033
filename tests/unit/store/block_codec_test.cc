#include "store/embedded/block_codec.h"

#include <gtest/gtest.h>

#include "tests/support/random_profile.h"

namespace watchfire::store {
namespace {

std::string block_of(const profile::Profile& p) {
  BlockWriter writer;
  writer.add(p);
  return writer.finish();
}

TEST(BlockReader, what_was_written_reads_as_a_valid_profile) {
  std::string bytes = block_of(testing::random_profile(3));
  auto block = BlockReader::open(bytes);
  ASSERT_TRUE(block) << block.error().text();
  auto p = block->profile(0);
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_TRUE(validate(*p));
  EXPECT_EQ(p->sample_count(), testing::random_profile(3).sample_count());
}

TEST(BlockReader, samples_without_a_sample_type_are_corrupt) {
  profile::Profile p;
  p.add_sample({}, {}, {});
  std::string bytes = block_of(p);
  auto block = BlockReader::open(bytes);
  ASSERT_TRUE(block) << block.error().text();
  auto samples = block->samples(0);
  ASSERT_FALSE(samples);
  EXPECT_EQ(samples.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace watchfire::store
