#include <gtest/gtest.h>

#include "converters/pgo/encode.h"
#include "converters/pprof/decode.h"
#include "tests/support/small_profile.h"

namespace watchfire::converters {
namespace {

TEST(Pgo, keeps_stacks_and_start_lines_and_leaves_labels_out) {
  auto p = testing::small_profile();
  auto bytes = encode_pgo(p);
  ASSERT_TRUE(bytes) << bytes.error().message;
  auto read = decode_pprof(*bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->sample_types.size(), 2u);
  int64_t before = 0;
  int64_t after = 0;
  for (int64_t v : p.values[1]) before += v;
  for (int64_t v : read->values[1]) after += v;
  EXPECT_EQ(after, before);
  for (uint32_t set : read->sample_label_sets) EXPECT_EQ(set, 0u);
  EXPECT_EQ(read->functions[0].start_line, 10);
}

TEST(Pgo, refuses_what_the_compiler_refuses) {
  auto p = testing::small_profile();
  for (auto& f : p.functions) f.start_line = 0;
  ASSERT_FALSE(encode_pgo(p));
  EXPECT_EQ(encode_pgo(p).error().code, ErrorCode::kInvalidArgument);
  auto heap = testing::small_profile();
  for (auto& t : heap.sample_types) t.type = heap.strings.intern("inuse_space");
  EXPECT_FALSE(encode_pgo(heap));
}

}  // namespace
}  // namespace watchfire::converters
