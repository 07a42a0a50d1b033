#pragma once

#include <string>
#include <string_view>

namespace watchfire::profile {

/// How values of a sample type combine over time.
enum class ValueKind {
  kDelta,       ///< what happened within the profile's duration: summed over time
  kCumulative,  ///< total since the process started: turned into deltas from consecutive scrapes
  kGauge,       ///< a state at one moment: averaged over time, never summed
};

/// The full name of a profile type, as selectors write it:
/// name:sample_type:sample_unit:period_type:period_unit, "process_cpu:cpu:nanoseconds:cpu:nanoseconds".
struct ProfileType {
  std::string name;
  std::string sample_type;
  std::string sample_unit;
  std::string period_type;
  std::string period_unit;

  std::string text() const;
  friend auto operator<=>(const ProfileType&, const ProfileType&) = default;
};

/// What Watchfire knows about a sample type, by (profile name, sample type). The one table of kinds.
/// Unknown types are deltas.
ValueKind value_kind(std::string_view profile_name, std::string_view sample_type);

/// Profile name of a pprof endpoint path's last part: "profile" -> "process_cpu", "heap" and "allocs" -> "memory",
/// others their own name.
std::string_view profile_name_of_endpoint(std::string_view endpoint);

/// Profile name guessed from a sample type, for profiles that come without one: "cpu" -> "process_cpu",
/// "inuse_space" -> "memory", "delay" -> "mutex", others their own name.
std::string_view profile_name_of_sample_type(std::string_view sample_type);

}  // namespace watchfire::profile
