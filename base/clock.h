#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace watchfire {

/// Nanoseconds since the Unix epoch, as every timestamp in Watchfire.
using UnixNs = int64_t;
/// A length of time in nanoseconds.
using DurationNs = int64_t;

inline constexpr DurationNs kMillisecond = 1'000'000;
inline constexpr DurationNs kSecond = 1'000'000'000;
inline constexpr DurationNs kMinute = 60 * kSecond;
inline constexpr DurationNs kHour = 60 * kMinute;

/// Half-open range of wall-clock time: `start` belongs to it, `end` does not.
struct TimeRange {
  UnixNs start = 0;
  UnixNs end = 0;
  bool contains(UnixNs t) const { return t >= start && t < end; }
  DurationNs length() const { return end - start; }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

/// The wall clock. It may jump; use `boot_ns` for intervals.
UnixNs now_ns();
/// CLOCK_BOOTTIME: never goes back, counts suspend.
DurationNs boot_ns();

/// "10s", "1h30m", "250ms", "2d" (units ns us ms s m h d w, each a whole or decimal number) -> nanoseconds.
/// Negative durations and bare numbers other than 0 are refused.
Result<DurationNs> parse_duration(std::string_view text);
/// The shortest of the above that is exact to the millisecond: "90s" -> "1m30s".
std::string format_duration(DurationNs d);

/// RFC 3339 in UTC with seconds: "2026-11-24T13:40:00Z".
std::string format_time(UnixNs t);
/// RFC 3339, Unix seconds (with a fraction of up to nine digits), or "now", "now-1h" as seen at `now`.
Result<UnixNs> parse_time(std::string_view text, UnixNs now);

}  // namespace watchfire
