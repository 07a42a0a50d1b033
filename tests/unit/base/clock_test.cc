#include "base/clock.h"

#include <gtest/gtest.h>

namespace watchfire {
namespace {

TEST(Clock, durations_are_read_and_written) {
  struct {
    const char* text;
    DurationNs ns;
    const char* written;
  } cases[] = {{"10s", 10 * kSecond, "10s"},
               {"90s", 90 * kSecond, "1m30s"},
               {"1h30m", 90 * kMinute, "1h30m"},
               {"1.5h", 90 * kMinute, "1h30m"},
               {"250ms", 250 * kMillisecond, "250ms"},
               {"2d", 48 * kHour, "2d"},
               {"1w", 7 * 24 * kHour, "7d"},
               {"0", 0, "0s"},
               {"3us", 3000, "3000ns"},
               {"1ns", 1, "1ns"}};
  for (const auto& c : cases) {
    auto ns = parse_duration(c.text);
    ASSERT_TRUE(ns) << c.text;
    EXPECT_EQ(*ns, c.ns) << c.text;
    EXPECT_EQ(format_duration(*ns), c.written);
  }
  EXPECT_EQ(format_duration(-90 * kSecond), "-1m30s");
}

TEST(Clock, what_is_no_duration_is_refused_with_a_hint) {
  for (const char* bad :
       {"", "10", "-5s", "s", "10x", "5 s", "1e3s", "10s5", "inf", "nans", "9999999999w", "10S", "1..5s"}) {
    auto ns = parse_duration(bad);
    ASSERT_FALSE(ns) << bad;
    EXPECT_FALSE(ns.error().hint.empty());
  }
}

TEST(Clock, times_are_read_and_written) {
  constexpr UnixNs kTime = 1'795'527'600 * kSecond;
  EXPECT_EQ(format_time(kTime), "2026-11-24T13:40:00Z");
  EXPECT_EQ(*parse_time("2026-11-24T13:40:00Z", 0), kTime);
  EXPECT_EQ(*parse_time("2026-11-24T15:40:00+02:00", 0), kTime);
  EXPECT_EQ(*parse_time("2026-11-24T08:10:00-05:30", 0), kTime);
  EXPECT_EQ(*parse_time("1795527600", 0), kTime);
  EXPECT_EQ(*parse_time("now", 42), 42);
  EXPECT_EQ(*parse_time("now-1h30m", kTime), kTime - 90 * kMinute);
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(format_time(kTime + kSecond - 1), "2026-11-24T13:40:00Z");
}

TEST(Clock, what_is_no_time_is_refused_with_a_hint) {
  for (const char* bad : {"", "yesterday", "now-", "now+1h", "now-5", "2026-11-24", "2026-11-24T13:40:00", "-5",
                          "2026-11-24T13:40:00Zx", "2026-11-24T13:40:00+0200", "2026-13-24T13:40:00Z"}) {
    auto time = parse_time(bad, 0);
    ASSERT_FALSE(time) << bad;
    EXPECT_FALSE(time.error().hint.empty());
  }
}

TEST(Clock, a_range_holds_its_start_and_not_its_end) {
  TimeRange r{10, 20};
  EXPECT_TRUE(r.contains(10));
  EXPECT_FALSE(r.contains(20));
  EXPECT_EQ(r.length(), 10);
}

}  // namespace
}  // namespace watchfire
