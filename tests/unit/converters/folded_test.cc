#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "converters/decode_any.h"
#include "converters/folded/decode.h"
#include "converters/folded/encode.h"
#include "tests/support/corpus.h"
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

TEST(Folded, what_exceeds_the_bytes_is_one_line_and_the_sum_stays) {
  auto p = testing::small_profile();
  std::string text = encode_folded(p, 0, 1);
  EXPECT_TRUE(text.starts_with("[other stacks] ")) << text;
  int64_t total = 0;
  for (int64_t v : p.values[0]) total += v;
  EXPECT_EQ(std::stoll(text.substr(15)), total);
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

profile::Profile read(std::string_view text) {
  auto p = decode_any(text);
  EXPECT_TRUE(p) << p.error().message;
  if (!p) return {};
  EXPECT_TRUE(validate(*p)) << validate(*p).error().message;
  return *std::move(p);
}

std::vector<std::string> comments(const profile::Profile& p) {
  std::vector<std::string> out;
  for (auto c : p.comments) out.emplace_back(p.text(c));
  return out;
}

TEST(Folded, is_read_from_the_root_and_split_at_the_last_blank) {
  auto p = read("main;operator new(unsigned long);f g 5\r\nmain 3\nmain 4\n");
  ASSERT_EQ(p.sample_count(), 2u);
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{5, 7}));
  EXPECT_EQ(p.stacks[p.sample_stacks[0]].size(), 3u);
  EXPECT_EQ(encode_folded(p, 0), "main 7\nmain;operator new(unsigned long);f g 5\n");
}

TEST(Folded, two_counts_are_before_and_samples) {
  auto p = read("a;b 10 20\na;c 0 5\na;d 7 0\n");
  ASSERT_EQ(p.sample_types.size(), 2u);
  EXPECT_EQ(p.text(p.sample_types[0].type), "before");
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{10, 0, 7}));
  EXPECT_EQ(p.values[1], (std::vector<int64_t>{20, 5, 0}));
  EXPECT_EQ(encode_folded_difference(p, 0, p, 1), "a;b 10 20\na;c 0 5\na;d 7 0\n");
  EXPECT_EQ(read("a;b 10 20\na;c 5\n").sample_types.size(), 1u);
}

TEST(Folded, blanks_around_names_are_no_part_of_them) {
  EXPECT_EQ(encode_folded(read("a ; b;c ; 6\n"), 0), "a;b;c 6\n");
}

TEST(Folded, decimal_counts_are_rounded) {
  EXPECT_EQ(read("a;b 12.5\na 1.2\n").values[0], (std::vector<int64_t>{13, 1}));
}

TEST(Folded, lines_without_a_count_are_told) {
  auto p = read("a;b 1\nwarning: something\na;c 2\na;d 3\na;e");
  EXPECT_EQ(p.sample_count(), 3u);
  EXPECT_EQ(comments(p), (std::vector<std::string>{"folded: 2 lines without a count left out",
                                                   "folded: the text ends within a line"}));
}

TEST(Folded, other_texts_are_not_taken_for_it) {
  for (std::string_view text : {"hello\n", "GET / HTTP/1.1\nHost: example.com\n", "<html>\n1 2\n3 4\n", "{\"a\": 1}\n",
                                "\x01\x02 5\n", "one line\ntwo lines\nthree 3\n"}) {
    EXPECT_FALSE(decode_any(text)) << text;
  }
}

TEST(Folded, limits_hold_while_it_is_read) {
  DecodeLimits l;
  l.samples = 1;
  EXPECT_NE(decode_folded("a 1\nb 1\n", l).error().message.find("limit samples"), std::string::npos);
  l = {};
  l.stack_depth = 2;
  EXPECT_NE(decode_folded("a;b;c 1\n", l).error().message.find("limit stack_depth"), std::string::npos);
  l = {};
  l.functions = 1;
  EXPECT_NE(decode_folded("a;b 1\n", l).error().message.find("limit functions"), std::string::npos);
  l = {};
  l.string_bytes = 20;
  EXPECT_NE(decode_folded("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1\n", l).error().message.find("limit string_bytes"),
            std::string::npos);
}

TEST(Folded, corpus_pprofutils_pair) {
  WF_CORPUS_OR_SKIP(text, "felixge-pprofutils/examples/folded.in.txt");
  auto expected = read(testing::corpus_file("felixge-pprofutils/examples/folded.out.pprof"));
  EXPECT_EQ(encode_folded(read(text), 0), encode_folded(expected, 0));
}

// Stacks and their sums, without frames that have no name.
std::map<std::string, int64_t> stated(const std::string& text) {
  std::map<std::string, int64_t> out;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    size_t blank = text.rfind(' ', end - 1);
    std::string stack = text.substr(at, blank - at);
    while (stack.ends_with(' ') || stack.ends_with(';')) stack.pop_back();
    out[stack] += std::stoll(text.substr(blank + 1, end - blank - 1));
  }
  return out;
}

TEST(Folded, corpus_texts_come_back_as_they_are) {
  for (const char* path : {"async-profiler/test/test/jfrconverter/sample1.collapsed",
                           "async-profiler/test/test/jfrconverter/sample2.collapsed",
                           "jlfwong-speedscope/sample/profiles/stackcollapse/perf-vertx-stacks-01-collapsed-all.txt"}) {
    WF_CORPUS_OR_SKIP(text, path);
    EXPECT_TRUE(stated(encode_folded(read(text), 0)) == stated(text)) << path;
  }
}

}  // namespace
}  // namespace watchfire::converters
