#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/labels.h"
#include "base/result.h"
#include "profile/profile.h"
#include "profile/sample_types.h"
#include "profile/selector.h"

namespace watchfire::profile {

/// One series: a label set and a profile type, with what is known of it within the asked range.
struct SeriesInfo {
  Labels labels;
  ProfileType type;
  TimeRange range;  ///< from the first profile's start to the last one's end
  uint64_t profiles = 0;
};

/// What a query read, and whether that was all. Part of every answer, so that a cut is never silent.
struct QueryStats {
  uint64_t blocks = 0;             ///< blocks (or files) whose dictionaries were read
  uint64_t profiles = 0;           ///< profiles whose samples were summed
  uint64_t samples = 0;            ///< sample rows visited
  uint64_t stacks = 0;             ///< distinct stacks in the result
  bool partial = false;            ///< the budget ended before the data did
  std::vector<std::string> notes;  ///< sentences for people: which source was taken, what was left out and why
};

struct MergeOptions {
  /// Keep sample labels (pid, thread ...) apart; without, samples are summed by stack alone.
  bool keep_labels = false;
  /// What the query may hold at its peak, besides one block of its input: beyond, it stops and says `partial`.
  size_t max_bytes = 128u << 20;
};

/// The sum over all matching profiles: one sample type, named locations where names are known.
struct MergeResult {
  ProfilePtr profile;
  ProfileType type;
  TimeRange range;         ///< of the profiles that went in
  DurationNs covered = 0;  ///< length of the union of their time ranges: divide by it for cores or bytes/s
  uint64_t profile_count = 0;
  QueryStats stats;
};

/// Total of a series at one step of time.
struct TimelinePoint {
  UnixNs time = 0;  ///< start of the step
  int64_t value = 0;
  DurationNs covered = 0;
};

struct QueryLimits {
  size_t max_series = 10'000;
};

/// How profiles are asked for. The embedded store, a set of files and the API's client implement it; reports,
/// agent tools, command line and API use nothing else.
///
/// Deltas are summed over time and across series; gauges are averaged over time within a series, then summed
/// across series. CPU that two sources saw is never added up: when `process_cpu` series of one service come
/// from eBPF and from elsewhere, and the selector doesn't name `source`, only eBPF's are taken and a note says so.
///
/// Thread-safe; each call is synchronous. Errors: kInvalidArgument when a merge's selector matches more than one
/// profile type, kNotFound when nothing matches (the hint says what is there).
class Query {
 public:
  virtual ~Query() = default;
  /// All matching series with profiles in the range, ordered by labels and type.
  virtual Result<std::vector<SeriesInfo>> series(const Selector& selector, TimeRange range) = 0;
  virtual Result<MergeResult> merge(const Selector& selector, TimeRange range, const MergeOptions& options) = 0;
  virtual Result<std::vector<TimelinePoint>> timeline(const Selector& selector, TimeRange range, DurationNs step) = 0;
};

/// Applies the rule on CPU seen twice: removes from `series` those that must not be added, with a note for each
/// service it touched. For implementations of Query.
void keep_one_cpu_source(const Selector& selector, std::vector<SeriesInfo>& series, std::vector<std::string>& notes);

/// The one profile type of all `series`, or the error that Query::merge owes its caller.
Result<ProfileType> single_type(const Selector& selector, const std::vector<SeriesInfo>& series);

/// Length of the union of ranges; sorts them.
DurationNs union_length(std::vector<TimeRange>& ranges);

}  // namespace watchfire::profile
