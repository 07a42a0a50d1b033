#include "cli/go_flags.h"

#include <gtest/gtest.h>

#include "cli/pprof_options.h"

namespace watchfire::cli {
namespace {

using Words = std::vector<std::string_view>;

struct Flags {
  bool top = false;
  int count = -1;
  double fraction = 0.5;
  std::string focus;
  std::vector<std::string> base;
  Result<std::vector<std::string>> parse(Words words) {
    GoFlags f;
    f.add("top", &top);
    f.add("nodecount", &count);
    f.add("nodefraction", &fraction);
    f.add("focus", &focus);
    f.add("base", &base);
    return f.parse(words);
  }
};

TEST(GoFlags, follow_the_rules_of_go) {
  Flags f;
  auto rest = f.parse({"-top", "--nodecount=0x10", "-focus", "-x", "-base=a", "-base", "b", "file", "-top=false"});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(*rest, (std::vector<std::string>{"file", "-top=false"}));
  EXPECT_TRUE(f.top);
  EXPECT_EQ(f.count, 16);
  EXPECT_EQ(f.focus, "-x");
  EXPECT_EQ(f.base, (std::vector<std::string>{"a", "b"}));
}

TEST(GoFlags, a_boolean_takes_no_separate_value) {
  Flags f;
  auto rest = f.parse({"-top", "false"});
  ASSERT_TRUE(rest);
  EXPECT_TRUE(f.top);
  EXPECT_EQ(*rest, std::vector<std::string>{"false"});
  ASSERT_TRUE(f.parse({"-top=F"}));
  EXPECT_FALSE(f.top);
}

TEST(GoFlags, errors_name_the_flag) {
  EXPECT_EQ(Flags().parse({"-nope"}).error().message, "flag provided but not defined: -nope");
  EXPECT_EQ(Flags().parse({"-focus"}).error().message, "flag needs an argument: -focus");
  EXPECT_EQ(Flags().parse({"-nodecount=x"}).error().message, "invalid value \"x\" for flag -nodecount: parse error");
  EXPECT_EQ(Flags().parse({"-top=maybe"}).error().message,
            "invalid boolean value \"maybe\" for flag -top: parse error");
  EXPECT_EQ(Flags().parse({"---top"}).error().message, "bad flag syntax: ---top");
}

std::string refusal(Words words) {
  std::vector<std::string> notes;
  auto r = parse_pprof_options(words, notes);
  return r ? "" : r.error().message;
}

TEST(PprofOptions, refuse_by_name_what_is_not_supported) {
  EXPECT_EQ(refusal({"-http=:8080", "x"}), "not supported yet: -http");
  EXPECT_EQ(refusal({"-disasm=main", "x"}), "not supported yet: -disasm");
  EXPECT_EQ(refusal({"-weblist=main", "x"}), "not supported yet: -weblist");
  EXPECT_EQ(refusal({"-svg", "x"}), "not supported yet: -svg");
}

TEST(PprofOptions, refuse_what_contradicts) {
  EXPECT_EQ(refusal({"-top"}), "no profile source specified");
  EXPECT_EQ(refusal({"-top", "-tree", "x"}), "must set at most one output format");
  EXPECT_EQ(refusal({"-top", "-lines", "-files", "x"}), "conflicting options set: [files lines]");
  EXPECT_EQ(refusal({"-top", "-cum", "-flat", "x"}), "conflicting options set: [cum flat]");
  EXPECT_EQ(refusal({"-top", "-base=a", "-diff_base=b", "x"}), "-base and -diff_base flags cannot both be specified");
  EXPECT_EQ(refusal({"-top", "-normalize", "x"}), "must have base profile to normalize by");
}

TEST(PprofOptions, shortcuts_choose_the_sample_type) {
  std::vector<std::string> notes;
  auto r = parse_pprof_options(Words{"-top", "-mean_delay", "-alloc_space", "x"}, notes);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->config.report.sample_index, "delay");
  EXPECT_TRUE(r->config.report.mean);
  EXPECT_EQ(notes, std::vector<std::string>{"Multiple value selections, ignoring -alloc_space"});
}

TEST(PprofOptions, read_commands_when_no_report_is_named) {
  std::vector<std::string> notes;
  auto r = parse_pprof_options(Words{"-lines", "-cum", "-nodecount=7", "x"}, notes);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->command, nullptr);
  EXPECT_EQ(r->config.granularity, "lines");
  EXPECT_EQ(r->config.sort, "cum");
  EXPECT_TRUE(r->config.report_options().cum_sort);
  EXPECT_EQ(r->config.report_options().granularity, profile::Granularity::kLines);
}

TEST(PprofOptions, raise_limits_of_decoding) {
  std::vector<std::string> notes;
  auto r = parse_pprof_options(Words{"-limit-samples=7", "--limit-string-bytes", "3GB", "x"}, notes);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->source.limits.samples, 7u);
  EXPECT_EQ(r->source.limits.string_bytes, 3ull << 30);
  EXPECT_EQ(refusal({"-limit-samples=many", "x"}), "--limit-samples: 'many' is neither a number nor a size");
}

}  // namespace
}  // namespace watchfire::cli
