#pragma once

#include <string>

#include "base/clock.h"
#include "base/labels.h"
#include "profile/profile.h"

namespace watchfire::profile {

/// A profile with what makes it part of series: what collectors hand on and the store takes. Each sample type t
/// belongs to the series (labels, profile_name:t.type:t.unit:period_type:period_unit).
struct LabelledProfile {
  Labels labels;
  std::string profile_name;  ///< "process_cpu", "memory" ...
  TimeRange range;           ///< what it covers; it belongs to the window of `range.end`
  ProfilePtr profile;
};

}  // namespace watchfire::profile
