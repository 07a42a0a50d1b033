#pragma once

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace watchfire::daemon {

/// When an analysis runs: at every multiple of `every` since midnight UTC, or at minutes of the local day.
struct Schedule {
  DurationNs every = 0;       ///< 0: daily_at counts
  std::vector<int> daily_at;  ///< minutes since local midnight, 0..1439

  /// The first time after `t`; days with a clock change give the time as the wall clock shows it, once.
  UnixNs next_after(UnixNs t) const;
};

/// "09:30" -> 570.
Result<int> parse_time_of_day(std::string_view text);

}  // namespace watchfire::daemon
