#include "cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace watchfire::cli {
namespace {

TEST(Terminal, lines_are_cut_by_characters_not_bytes) {
  EXPECT_EQ(for_terminal("abcdef\nab\n", false, 4), "abc\xe2\x80\xa6\nab\n");
  EXPECT_EQ(for_terminal("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", false, 4), "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9");
  EXPECT_EQ(for_terminal("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", false, 4), "\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x80\xa6");
  EXPECT_EQ(for_terminal("abcdef", false, 0), "abcdef");
}

TEST(Terminal, shares_have_colours_by_their_size_and_sign) {
  EXPECT_EQ(for_terminal("     600ms 60.00% 60.00%  hot", true, 0), "\033[31m     600ms 60.00% 60.00%  hot\033[0m");
  EXPECT_EQ(for_terminal("      50ms  5.00% 60.00%  x", true, 0), "\033[33m      50ms  5.00% 60.00%  x\033[0m");
  EXPECT_EQ(for_terminal("      10ms  1.00% 60.00%  x", true, 0), "      10ms  1.00% 60.00%  x");
  EXPECT_EQ(for_terminal("    -600ms 60.00% 60.00%  x", true, 0), "\033[32m    -600ms 60.00% 60.00%  x\033[0m");
  EXPECT_EQ(for_terminal("main 60.00", true, 0), "main 60.00");
}

TEST(Terminal, escapes_keep_lines_and_tabs) {
  EXPECT_EQ(escape_lines("a\tb\n\x1b[31m\n"), "a\tb\n\\x1b[31m\n");
}

TEST(Terminal, colours_are_for_terminals_unless_asked_for) {
  EXPECT_TRUE(color_wanted("always"));
  EXPECT_FALSE(color_wanted("never"));
}

TEST(Terminal, exit_codes_tell_the_kinds_of_failure) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(print_error(Error(ErrorCode::kUnavailable, "x")), kExitNoDaemon);
  EXPECT_EQ(print_error(Error(ErrorCode::kNotFound, "x")), kExitNothing);
  EXPECT_EQ(print_error(Error(ErrorCode::kCorrupt, "\x1b")), kExitFailed);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "watchfire: x\nwatchfire: x\nwatchfire: \\x1b\n");
}

}  // namespace
}  // namespace watchfire::cli
