#include "store/embedded/merge_query.h"

#include <algorithm>
#include <map>

#include "base/counters.h"
#include "base/log.h"
#include "profile/merge.h"
#include "store/embedded/symbolize.h"

namespace watchfire::store {
namespace {

using profile::MergeOptions;
using profile::MergeResult;
using profile::Profile;
using profile::ProfileType;
using profile::SeriesInfo;
using profile::ValueKind;

// Tables grow by doubling, so one that is a third of all held needs that much again, twice, while it grows; and gauges
// are added up into a second merger.
constexpr size_t kGrowth = 3;

struct Selected {
  std::vector<int64_t> ids;
  std::vector<SeriesInfo> series;
};

// Series that match and have profiles in the range.
Result<Selected> select(Catalog& catalog, const profile::Selector& selector, TimeRange range) {
  std::vector<int64_t> ids;
  std::vector<SeriesInfo> all = catalog.all_series(ids);
  Selected out;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!selector.matches(all[i].labels, all[i].type)) continue;
    WF_ASSIGN(auto extent, catalog.extent(ids[i], range));
    if (extent.first == 0) continue;
    all[i].profiles = extent.first;
    all[i].range = extent.second;
    out.ids.push_back(ids[i]);
    out.series.push_back(std::move(all[i]));
  }
  return out;
}

// As select(), without series whose CPU another source has counted already.
Result<Selected> select_to_add(Catalog& catalog, const profile::Selector& selector, TimeRange range,
                               std::vector<std::string>& notes) {
  WF_ASSIGN(Selected chosen, select(catalog, selector, range));
  std::vector<SeriesInfo> kept = chosen.series;
  profile::keep_one_cpu_source(selector, kept, notes);
  if (kept.size() == chosen.series.size()) return chosen;
  Selected out;
  for (size_t i = 0, k = 0; i < chosen.series.size() && k < kept.size(); ++i) {
    if (chosen.series[i].labels != kept[k].labels || chosen.series[i].type != kept[k].type) continue;
    out.ids.push_back(chosen.ids[i]);
    out.series.push_back(std::move(kept[k++]));
  }
  return out;
}

Result<std::shared_ptr<const OpenBlock>> open_block(Catalog& catalog, BlockCache& blocks, const ProfileRow& row) {
  if (row.block != 0) return blocks.open(row.block);
  WF_ASSIGN(std::string bytes, catalog.head_data(row.id));
  return OpenBlock::open(std::move(bytes));
}

// Calls `body(profiles of one block, block)` for each block, oldest first, until one sets `stats.partial`: that one was
// not taken. A block that can't be read is told in `stats` and passed over; a damaged one is set aside.
template <typename Body>
Status for_each_block(Catalog& catalog, BlockCache& blocks, const std::vector<SeriesProfile>& profiles,
                      profile::QueryStats& stats, Body body) {
  for (size_t from = 0; from < profiles.size() && !stats.partial;) {
    size_t to = from + 1;
    const ProfileRow& row = profiles[from].profile;
    while (to < profiles.size() && profiles[to].profile.block == row.block &&
           (row.block != 0 || profiles[to].profile.id == row.id))
      ++to;
    auto block = open_block(catalog, blocks, row);
    if (block) {
      WF_TRY(body(std::span(profiles).subspan(from, to - from), **block));
      if (!stats.partial) ++stats.blocks;
    } else {
      count_lost("blocks", error_code_name(block.error().code));
      stats.notes.push_back(std::to_string(to - from) + " profiles could not be read: " + block.error().message);
      if (block.error().code == ErrorCode::kCorrupt && row.block != 0) {
        log_error("store: block " + std::to_string(row.block) + " is damaged and set aside: " + block.error().message);
        blocks.set_aside(row.block);
      }
    }
    from = to;
  }
  return {};
}

// Sums of one block by (stack, label set).
class BlockSums {
 public:
  explicit BlockSums(bool keep_labels) : keep_labels_(keep_labels) {}

  void add(const BlockItem& s, uint32_t column) {
    for (size_t i = 0; i < s.stacks.size(); ++i) {
      uint64_t key = static_cast<uint64_t>(s.stacks[i]) << 32 | (keep_labels_ ? s.label_sets[i] : 0);
      sums_[key] += s.values[column][i];
    }
  }

  // These sums as samples; what they name by id is in the block's dictionary.
  Profile rows(profile::ValueType type, profile::ValueType period_type, int64_t period) const {
    Profile p;
    p.sample_types = {type};
    p.period_type = period_type;
    p.period = period;
    p.values.resize(1);
    for (const auto& [key, sum] : sums_) {
      p.sample_stacks.push_back(static_cast<uint32_t>(key >> 32));
      p.sample_label_sets.push_back(static_cast<uint32_t>(key));
      p.values[0].push_back(sum);
    }
    return p;
  }
  bool empty() const { return sums_.empty(); }

 private:
  bool keep_labels_;
  std::map<uint64_t, int64_t> sums_;
};

// Divides all values by n, rounding to nearest: a gauge's average over n profiles.
void divide_values(Profile& p, int64_t n) {
  for (auto& column : p.values)
    for (int64_t& v : column) v = v >= 0 ? (v + n / 2) / n : -((-v + n / 2) / n);
}

}  // namespace

Result<std::vector<SeriesInfo>> query_series(Catalog& catalog, const profile::Selector& selector, TimeRange range) {
  WF_ASSIGN(Selected chosen, select(catalog, selector, range));
  std::sort(chosen.series.begin(), chosen.series.end(), [](const SeriesInfo& a, const SeriesInfo& b) {
    return std::tie(a.labels, a.type) < std::tie(b.labels, b.type);
  });
  return std::move(chosen.series);
}

Result<MergeResult> query_merge(Catalog& catalog, BlockCache& blocks, const profile::Selector& selector,
                                TimeRange range, const MergeOptions& options) {
  MergeResult result;
  WF_ASSIGN(Selected chosen, select_to_add(catalog, selector, range, result.stats.notes));
  WF_ASSIGN(result.type, profile::single_type(selector, chosen.series));
  WF_ASSIGN(auto profiles, catalog.profiles(chosen.ids, range));
  bool gauge = profile::value_kind(result.type.name, result.type.sample_type) == ValueKind::kGauge;

  // Gauges are averaged within a series before series are added up; deltas need one merger only.
  auto labels = options.keep_labels ? profile::MergeLabels::kKeep : profile::MergeLabels::kDrop;
  std::map<int64_t, profile::Merger> mergers;
  std::map<int64_t, int64_t> profiles_of;
  std::vector<TimeRange> ranges;
  size_t held = 0;  // by the mergers
  WF_TRY(for_each_block(catalog, blocks, profiles, result.stats, [&](auto rows, const OpenBlock& block) -> Status {
    if (held > options.max_bytes / kGrowth) {
      result.stats.partial = true;
      result.stats.notes.push_back("the answer reached its memory budget; later profiles were left out");
      return {};
    }
    std::map<int64_t, BlockSums> sums;
    profile::ValueType type, period_type;
    int64_t period = 0;
    for (const SeriesProfile& row : rows) {
      auto samples = block.reader.samples(row.profile.item);
      if (!samples || row.column >= samples->types.size()) {
        count_lost("profiles", "damaged");
        result.stats.notes.push_back("a damaged profile was left out");
        continue;
      }
      type = samples->types[row.column];
      period_type = samples->period_type;
      period = std::max(period, samples->period);
      int64_t group = gauge ? row.series : 0;
      sums.try_emplace(group, options.keep_labels).first->second.add(*samples, row.column);
      ++profiles_of[group];
      ++result.stats.profiles;
      result.stats.samples += samples->stacks.size();
      ranges.push_back({row.profile.start, row.profile.end});
    }
    for (auto& [group, sum] : sums) {
      if (sum.empty()) continue;
      auto& merger = mergers.try_emplace(group, labels).first->second;
      WF_TRY(merger.add(block.reader.dictionary(), sum.rows(type, period_type, period)));
    }
    held = 0;
    for (auto& [group, merger] : mergers) held += merger.memory_bytes();
    return {};
  }));

  Profile merged;
  if (!gauge) {
    merged = mergers[0].finish();
  } else {
    profile::Merger all(labels);
    for (auto& [series, merger] : mergers) {
      Profile p = merger.finish();
      divide_values(p, profiles_of[series]);
      WF_TRY(all.add(p));
    }
    merged = all.finish();
  }
  if (!ranges.empty()) {
    result.covered = profile::union_length(ranges);
    result.range = {ranges.front().start, ranges.front().end};
    for (const TimeRange& r : ranges) result.range.end = std::max(result.range.end, r.end);
  }
  merged.time_ns = result.range.start;
  merged.duration_ns = result.covered;
  if (merged.sample_types.empty())
    merged.sample_types = {
        {merged.strings.intern(result.type.sample_type), merged.strings.intern(result.type.sample_unit)}};
  merged.values.resize(merged.sample_types.size());
  symbolize(catalog, merged);
  result.profile_count = result.stats.profiles;
  result.stats.stacks = merged.stacks.size() - 1;
  result.profile = std::make_shared<const Profile>(std::move(merged));
  return result;
}

Result<std::vector<profile::TimelinePoint>> query_timeline(Catalog& catalog, BlockCache& blocks,
                                                           const profile::Selector& selector, TimeRange range,
                                                           DurationNs step) {
  if (step <= 0) return fail(ErrorCode::kInvalidArgument, "the step of a timeline must be longer than nothing");
  if (range.length() / step > 11'000)
    return fail(Error(ErrorCode::kInvalidArgument, "more than 11000 steps").hinted("ask for a longer step"));
  profile::QueryStats stats;
  WF_ASSIGN(Selected chosen, select_to_add(catalog, selector, range, stats.notes));
  WF_ASSIGN(ProfileType type, profile::single_type(selector, chosen.series));
  WF_ASSIGN(auto profiles, catalog.profiles(chosen.ids, range));
  bool gauge = profile::value_kind(type.name, type.sample_type) == ValueKind::kGauge;

  struct Step {
    std::map<int64_t, std::pair<int64_t, int64_t>> sum_and_count;  // by series
    std::vector<TimeRange> ranges;
  };
  std::map<UnixNs, Step> steps;
  WF_TRY(for_each_block(catalog, blocks, profiles, stats, [&](auto rows, const OpenBlock& block) -> Status {
    for (const SeriesProfile& row : rows) {
      auto samples = block.reader.samples(row.profile.item);
      if (!samples || row.column >= samples->values.size()) continue;
      int64_t total = 0;
      for (int64_t v : samples->values[row.column]) total += v;
      // A profile belongs to the step that holds its last moment.
      Step& s = steps[range.start + (row.profile.end - 1 - range.start) / step * step];
      auto& [sum, n] = s.sum_and_count[row.series];
      sum += total;
      ++n;
      s.ranges.push_back({row.profile.start, row.profile.end});
    }
    return {};
  }));
  std::vector<profile::TimelinePoint> out;
  for (auto& [time, s] : steps) {
    int64_t value = 0;
    for (const auto& [series, sum] : s.sum_and_count) value += gauge ? sum.first / sum.second : sum.first;
    out.push_back({time, value, profile::union_length(s.ranges)});
  }
  return out;
}

}  // namespace watchfire::store
