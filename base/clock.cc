#include "base/clock.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace watchfire {
namespace {

// A bound on seconds whose nanoseconds fit, in the year 2255. Times are not before 1970, so that their differences fit.
constexpr int64_t kMaxUnixSeconds = 9'000'000'000;

int64_t read_clock(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return ts.tv_sec * kSecond + ts.tv_nsec;
}

DurationNs unit_ns(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us") return 1000;
  if (unit == "ms") return kMillisecond;
  if (unit == "s") return kSecond;
  if (unit == "m") return kMinute;
  if (unit == "h") return kHour;
  if (unit == "d") return 24 * kHour;
  if (unit == "w") return 7 * 24 * kHour;
  return 0;
}

std::unexpected<Error> bad_duration(std::string_view text) {
  return fail(Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no duration")
                  .hinted("write a number and a unit, such as 10s, 5m, 1h30m or 2d"));
}

}  // namespace

UnixNs now_ns() {
  return read_clock(CLOCK_REALTIME);
}
DurationNs boot_ns() {
  return read_clock(CLOCK_BOOTTIME);
}

Result<DurationNs> parse_duration(std::string_view text) {
  if (text == "0") return DurationNs{0};
  double total = 0;
  std::string_view rest = text;
  if (rest.empty()) return bad_duration(text);
  while (!rest.empty()) {
    double number = 0;
    auto [p, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (ec != std::errc() || number < 0) return bad_duration(text);
    rest.remove_prefix(static_cast<size_t>(p - rest.data()));
    size_t n = 0;
    while (n < rest.size() && rest[n] >= 'a' && rest[n] <= 'z') ++n;
    DurationNs unit = unit_ns(rest.substr(0, n));
    if (unit == 0) return bad_duration(text);
    rest.remove_prefix(n);
    total += number * static_cast<double>(unit);
  }
  if (!(total < 9.2e18)) return bad_duration(text);
  return static_cast<DurationNs>(std::llround(total));
}

std::string format_duration(DurationNs d) {
  if (d == 0) return "0s";
  std::string out;
  if (d < 0) {
    out = "-";
    d = -d;
  }
  struct {
    DurationNs ns;
    const char* unit;
  } units[] = {{24 * kHour, "d"}, {kHour, "h"}, {kMinute, "m"}, {kSecond, "s"}, {kMillisecond, "ms"}};
  bool any = false;
  for (auto [ns, unit] : units) {
    if (int64_t n = d / ns; n != 0) {
      out += std::to_string(n) + unit;
      d -= n * ns;
      any = true;
    }
  }
  return any ? out : out + std::to_string(d) + "ns";
}

std::string format_time(UnixNs t) {
  time_t seconds = static_cast<time_t>(t >= 0 ? t / kSecond : -((-t + kSecond - 1) / kSecond));
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, n);
}

Result<UnixNs> parse_time(std::string_view text, UnixNs now) {
  if (text == "now") return now;
  if (text.starts_with("now-")) {
    WF_ASSIGN(DurationNs ago, parse_duration(text.substr(4)));
    return std::max<UnixNs>(now - ago, 0);
  }
  int64_t seconds = 0;
  const char* text_end = text.data() + text.size();
  auto [p, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  bool in_range = ec == std::errc() && seconds >= 0 && seconds < kMaxUnixSeconds;
  if (in_range && p == text_end) return seconds * kSecond;
  if (in_range && *p == '.') {
    std::string digits(text.substr(static_cast<size_t>(p + 1 - text.data())));
    if (!digits.empty() && digits.size() <= 9 && digits.find_first_not_of("0123456789") == std::string::npos) {
      digits.resize(9, '0');
      return seconds * kSecond + std::stoll(digits);
    }
  }
  tm parts{};
  std::string copy(text);
  if (const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) {
    int64_t offset = 0;
    bool ok = *end == 'Z' && end[1] == 0;
    int hours = 0, minutes = 0, length = 0;
    char sign = 0;
    if (!ok && std::sscanf(end, "%c%2d:%2d%n", &sign, &hours, &minutes, &length) == 3 && (sign == '+' || sign == '-') &&
        length == 6 && end[length] == 0 && hours >= 0 && minutes >= 0) {
      offset = (hours * 3600 + minutes * 60) * (sign == '+' ? 1 : -1);
      ok = true;
    }
    seconds = static_cast<int64_t>(timegm(&parts)) - offset;
    if (ok && seconds >= 0 && seconds < kMaxUnixSeconds) return seconds * kSecond;
  }
  return fail(Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no time")
                  .hinted("write RFC 3339 (2026-11-24T13:40:00Z), Unix seconds, now or now-1h"));
}

}  // namespace watchfire
