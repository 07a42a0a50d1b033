#include <gtest/gtest.h>

#include <algorithm>

#include "converters/folded/encode.h"
#include "tests/support/small_profile.h"

namespace watchfire::converters {
namespace {

TEST(Folded, stacks_of_equal_names_are_one_line_from_the_root) {
  auto p = testing::small_profile();
  std::string text = encode_folded(p, 0);
  EXPECT_NE(text.find("main.main;main.(*Server).serve;tree.walk"), std::string::npos) << text;
  int64_t total = 0;
  for (int64_t v : p.values[0]) total += v;
  int64_t written = 0;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    written += std::stoll(text.substr(text.rfind(' ', end) + 1));
  }
  EXPECT_EQ(written, total);
}

TEST(Folded, hostile_names_stay_within_their_frame_and_line) {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("samples"), p.strings.intern("count")}};
  p.values.resize(1);
  auto name = p.strings.intern("a;b\nmain 7\x1b[31m");
  p.functions.push_back({.id = 1, .name = name, .system_name = name});
  p.lines.push_back({.function = 0});
  p.locations.push_back({.id = 1, .first_line = 0, .line_count = 1});
  const uint32_t stack[] = {0};
  const int64_t value[] = {3};
  p.add_sample(stack, {}, value);
  std::string text = encode_folded(p, 0);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find(';'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text.ends_with(" 3\n"));
}

TEST(Folded, a_difference_has_both_counts_also_where_one_side_has_none) {
  auto before = testing::small_profile();
  auto after = before;
  for (int64_t& v : after.values[0]) v *= 2;
  auto empty = before;
  for (int64_t& v : empty.values[0]) v = 0;
  std::string text = encode_folded_difference(before, 0, after, 0);
  EXPECT_NE(text, encode_folded_difference(after, 0, before, 0));
  EXPECT_NE(encode_folded_difference(empty, 0, after, 0).find(" 0 "), std::string::npos);
}

}  // namespace
}  // namespace watchfire::converters
