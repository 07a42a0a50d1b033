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

TEST(Time, offsets_are_read_and_odd_ones_refused) {
  EXPECT_EQ(*parse_time("1970-01-01T02:00:01+02:00", 0), kSecond);
  for (const char* bad : {"2026-01-01T00:00:00+1:2", "2026-01-01T00:00:00+1:02", "2026-01-01T00:00:00+01:02x",
                          "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+-1:-2"})
    EXPECT_FALSE(parse_time(bad, 0)) << bad;
}

TEST(Time, what_does_not_fit_into_nanoseconds_since_1970_is_refused) {
  for (const char* bad : {"9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9000000001"})
    EXPECT_FALSE(parse_time(bad, 0)) << bad;
  EXPECT_EQ(*parse_time("now-100000d", kSecond), 0) << "not before 1970";
}

}  // namespace
}  // namespace watchfire
