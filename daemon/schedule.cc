#include "daemon/schedule.h"

#include <algorithm>
#include <ctime>
#include <string>

namespace watchfire::daemon {

UnixNs Schedule::next_after(UnixNs t) const {
  if (every > 0) return (t / every + 1) * every;
  UnixNs best = INT64_MAX;
  auto seconds = static_cast<time_t>(t / kSecond);
  for (int day = 0; day <= 2; ++day) {
    for (int minute : daily_at) {
      tm local{};
      localtime_r(&seconds, &local);
      local.tm_mday += day;
      local.tm_hour = minute / 60;
      local.tm_min = minute % 60;
      local.tm_sec = 0;
      local.tm_isdst = -1;
      UnixNs at = static_cast<UnixNs>(mktime(&local)) * kSecond;
      if (at > t) best = std::min(best, at);
    }
  }
  return best;
}

Result<int> parse_time_of_day(std::string_view text) {
  auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9' ? text[i] - '0' : -1000; };
  int hour = digit(0) * 10 + digit(1), minute = digit(3) * 10 + digit(4);
  if (text.size() != 5 || text[2] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59)
    return fail(Error(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no time of day")
                    .hinted("write hours and minutes, such as \"09:30\""));
  return hour * 60 + minute;
}

}  // namespace watchfire::daemon
