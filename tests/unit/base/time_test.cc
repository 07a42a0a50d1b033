#include <gtest/gtest.h>

#include "base/clock.h"

namespace watchfire {
namespace {

TEST(Time, seconds_with_a_fraction_are_exact) {
  EXPECT_EQ(*parse_time("1800000000.123456789", 0), 1'800'000'000'123'456'789);
  EXPECT_EQ(*parse_time("1800000000.5", 0), 1'800'000'000'500'000'000);
  EXPECT_EQ(*parse_time("1800000000", 0), 1'800'000'000'000'000'000);
  for (const char* bad : {"1800000000.", ".5", "1.1234567890", "1.-5", "1.5s", "-1.5", "9000000000.0"})
    EXPECT_FALSE(parse_time(bad, 0)) << bad;
}

}  // namespace
}  // namespace watchfire
