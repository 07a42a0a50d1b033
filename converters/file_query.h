#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "converters/pprof/limits.h"
#include "profile/labelled_profile.h"
#include "profile/query.h"

namespace watchfire::converters {

/// perf's clocks count nanoseconds like any event counts: they become CPU time, and their samples its samples, as
/// others call them. The first clock of a recording is taken; false when it has none.
bool name_cpu_time(profile::Profile& p);

/// Query over profile files, so that everything that works on the store works on files, too.
///
/// Files carry no series labels: service_name is the main binary's base name (its program, without a version), else
/// the file's name up to the first dot; source is "file". Each add() puts its files into one slot of time of the
/// caller's choice, one after the other per service and type, whatever their own clocks say. Function names are made
/// readable, as the store's are. Totals since the start of a process (Go's alloc_*) are taken as they are; without a
/// duration they count as one second. Not thread-safe.
class FileQuery final : public profile::Query {
 public:
  /// How the bytes of a file become a profile.
  using Decode = std::function<Result<profile::Profile>(std::string_view)>;

  /// Without `decode`, files are read by decode_any.
  explicit FileQuery(DecodeLimits limits = DecodeLimits::offline(), Decode decode = nullptr);

  /// Reads files, and the files directly within directories. A file that is no profile is a line in `notes`; it is an
  /// error when none is. `slot` must be long enough for all their durations together.
  Status add(const std::vector<std::string>& paths, TimeRange slot, std::vector<std::string>& notes);
  /// Takes a profile as if it had been read.
  void add_profile(profile::LabelledProfile entry, TimeRange slot) { add_entry(std::move(entry), slot, ""); }
  /// The files that merge() would read for this, in the order they were added.
  std::vector<std::string> files(const profile::Selector& selector, TimeRange range) const;

  Result<std::vector<profile::SeriesInfo>> series(const profile::Selector& selector, TimeRange range) override;
  Result<profile::MergeResult> merge(const profile::Selector& selector, TimeRange range,
                                     const profile::MergeOptions& options) override;
  Result<std::vector<profile::TimelinePoint>> timeline(const profile::Selector& selector, TimeRange range,
                                                       DurationNs step) override;

 private:
  struct Entry : profile::LabelledProfile {
    std::string path;  ///< "" when it came without a file
  };
  struct Column {
    const Entry* entry = nullptr;
    size_t column = 0;
    profile::ProfileType type;
  };
  void add_entry(profile::LabelledProfile profile, TimeRange slot, const std::string& path);
  std::vector<Column> select(const profile::Selector& selector, TimeRange range) const;

  DecodeLimits limits_;
  Decode decode_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace watchfire::converters
