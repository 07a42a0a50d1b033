#include "cli/limit_flags.h"

#include <gtest/gtest.h>

#include "cli/go_flags.h"

namespace watchfire::cli {
namespace {

TEST(LimitFlags, the_error_of_a_limit_names_its_flag) {
  Error e = with_limit_flag(converters::limit_exceeded("stack_depth", 7, "frames in one stack"));
  EXPECT_EQ(e.hint, "if you trust the file, raise it with --limit-stack-depth=N");
  Error other(ErrorCode::kCorrupt, "(limit samples)");
  EXPECT_EQ(with_limit_flag(other).hint, "");
}

TEST(LimitFlags, there_is_one_for_every_limit) {
  // A limit that is added needs a flag: the struct is nothing but these numbers.
  size_t lines = 0;
  std::string help = limits_help();
  for (size_t at = 0; (at = help.find("\n  --limit-", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, sizeof(converters::DecodeLimits) / sizeof(uint64_t));
}

TEST(LimitFlags, sizes_have_units) {
  auto read = [](std::string_view value) {
    LimitFlags flags;
    GoFlags parser;
    flags.add_to(parser);
    std::vector<std::string_view> words = {"-limit-string-bytes", value};
    EXPECT_TRUE(parser.parse(words));
    auto limits = flags.limits();
    return limits ? std::to_string(limits->string_bytes) : limits.error().message;
  };
  EXPECT_EQ(read("7"), "7");
  EXPECT_EQ(read("2kB"), "2048");
  EXPECT_EQ(read("3MB"), "3145728");
  EXPECT_EQ(read("99999999999GB"), "--limit-string-bytes: '99999999999GB' is neither a number nor a size");
  EXPECT_EQ(read("7 apples"), "--limit-string-bytes: '7 apples' is neither a number nor a size");
}

}  // namespace
}  // namespace watchfire::cli
