#include "cli/go_text.h"

#include <gtest/gtest.h>

namespace watchfire::cli {
namespace {

std::string atoi_error(std::string_view text) {
  int out = 0;
  Status s = go_atoi(text, out);
  return s ? std::to_string(out) : s.error().message;
}

TEST(GoText, integers_are_read_as_atoi_does) {
  EXPECT_EQ(atoi_error("-12"), "-12");
  EXPECT_EQ(atoi_error("+5"), "5");
  EXPECT_EQ(atoi_error(""), "strconv.Atoi: parsing \"\": invalid syntax");
  EXPECT_EQ(atoi_error("+-5"), "strconv.Atoi: parsing \"+-5\": invalid syntax");
  EXPECT_EQ(atoi_error("0x10"), "strconv.Atoi: parsing \"0x10\": invalid syntax");
  EXPECT_EQ(atoi_error("99999999999999999999"), "strconv.Atoi: parsing \"99999999999999999999\": value out of range");
}

TEST(GoText, floats_are_printed_as_go_does) {
  EXPECT_EQ(go_float(0.005), "0.005");
  EXPECT_EQ(go_float(1), "1");
  EXPECT_EQ(go_float(1e-5), "1e-05");
  EXPECT_EQ(go_float(1e21), "1e+21");
  EXPECT_EQ(go_float(1e20), "100000000000000000000");
  EXPECT_EQ(go_float(-2.5), "-2.5");
}

TEST(GoText, quotes_escape_what_a_terminal_must_not_see) {
  EXPECT_EQ(go_quote("a\"b\\\n\x1b"), "\"a\\\"b\\\\\\n\\x1b\"");
  EXPECT_EQ(go_quote("\xff\xc3\xa9"), "\"\\xff\xc3\xa9\"");
}

TEST(GoText, durations_of_whole_seconds) {
  EXPECT_EQ(go_seconds(30), "30s");
  EXPECT_EQ(go_seconds(90), "1m30s");
  EXPECT_EQ(go_seconds(3600), "1h0m0s");
}

}  // namespace
}  // namespace watchfire::cli
