#include "converters/file_query.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/fd.h"
#include "converters/decode_any.h"
#include "converters/demangle_names.h"
#include "profile/merge.h"

namespace watchfire::converters {
namespace {

using profile::LabelledProfile;
using profile::MergeResult;
using profile::Profile;
using profile::ProfileType;
using profile::SeriesInfo;

constexpr DurationNs kWithoutDuration = kSecond;

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string service_of(const Profile& p, const std::string& path) {
  if (!p.mappings.empty()) {
    std::string binary = file_name(std::string(p.text(p.mappings.front().file)));
    if (!binary.empty() && !binary.starts_with('[') && !binary.starts_with("//")) return binary;
  }
  std::string name = file_name(path);
  return name.substr(0, name.find('.'));
}

std::vector<std::string> expand(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return {path};
  std::vector<std::string> out;
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return {path};
  while (const dirent* e = ::readdir(dir)) {
    std::string child = path + "/" + e->d_name;
    if (e->d_name[0] != '.' && ::stat(child.c_str(), &st) == 0 && S_ISREG(st.st_mode)) out.push_back(child);
  }
  ::closedir(dir);
  std::ranges::sort(out);
  return out;
}

ProfileType type_of(const LabelledProfile& e, size_t column) {
  const Profile& p = *e.profile;
  auto text = [&](profile::StringId id) { return std::string(p.text(id)); };
  return {e.profile_name, text(p.sample_types[column].type), text(p.sample_types[column].unit),
          text(p.period_type.type), text(p.period_type.unit)};
}

// The profile with one of its value columns alone.
Profile only_column(const Profile& p, size_t column) {
  Profile out = p;
  out.sample_types = {p.sample_types[column]};
  out.values = {p.values[column]};
  out.default_sample_type = 0;
  return out;
}

bool counts_since_start(const Profile& p, std::string_view profile_name) {
  return std::ranges::any_of(p.sample_types, [&](const auto& t) {
    return profile::value_kind(profile_name, p.text(t.type)) == profile::ValueKind::kCumulative;
  });
}

}  // namespace

bool name_cpu_time(Profile& p) {
  auto is_clock = [](std::string_view event) {
    event = event.substr(0, event.find_first_of(":/"));
    return event == "cpu-clock" || event == "task-clock";
  };
  bool has_time = false;
  bool has_samples = false;
  for (profile::ValueType& t : p.sample_types) {
    std::string_view name = p.text(t.type);
    bool is_count = name.ends_with("_sample");
    if (is_count || name.ends_with("_event")) name = name.substr(0, name.rfind('_'));
    if (!is_clock(name) || std::exchange(is_count ? has_samples : has_time, true)) continue;
    t = is_count ? profile::ValueType{p.strings.intern("samples"), p.strings.intern("count")}
                 : profile::ValueType{p.strings.intern("cpu"), p.strings.intern("nanoseconds")};
  }
  return has_time;
}

FileQuery::FileQuery(DecodeLimits limits, Decode decode) : limits_(limits), decode_(std::move(decode)) {
  if (!decode_) decode_ = [limits](std::string_view bytes) { return decode_any(bytes, limits); };
}

void FileQuery::add_entry(LabelledProfile profile, TimeRange slot, const std::string& path) {
  Entry entry{std::move(profile), path};
  DurationNs length = entry.range.length() > 0 ? entry.range.length() : kWithoutDuration;
  UnixNs end = slot.end;
  for (const auto& e : entries_)
    if (e->labels == entry.labels && e->profile_name == entry.profile_name && e->range.end <= slot.end &&
        e->range.end > slot.start)
      end = std::min(end, e->range.start);
  entry.range = {end - length, end};
  entries_.push_back(std::make_unique<Entry>(std::move(entry)));
}

Status FileQuery::add(const std::vector<std::string>& paths, TimeRange slot, std::vector<std::string>& notes) {
  size_t read = 0;
  Error last;
  for (const std::string& named : paths) {
    for (const std::string& path : expand(named)) {
      auto bytes = read_file(path, limits_.compressed_bytes);
      auto p = bytes ? decode_(*bytes) : Result<Profile>(std::unexpected(bytes.error()));
      if (!p || p->sample_types.empty()) {
        last = p ? Error(ErrorCode::kCorrupt, "it has no sample types") : p.error();
        last = std::move(last).with(path);
        if (!bytes) last.code = ErrorCode::kInvalidArgument;  // a wrong name is not the same as finding nothing
        notes.push_back(last.message);
        continue;
      }
      demangle_names(*p, DemangleMode::kDefault, false);
      bool is_cpu_time = name_cpu_time(*p);
      ++read;
      LabelledProfile entry;
      entry.labels = {{"service_name", service_of(*p, path)}, {"source", "file"}};
      entry.profile_name =
          profile::profile_name_of_sample_type(is_cpu_time ? "cpu" : p->text(p->sample_types.back().type));
      entry.range = {0, p->duration_ns};
      if (p->duration_ns <= 0 && counts_since_start(*p, entry.profile_name))
        notes.push_back(path + " has no duration: what it counts is taken as one second's");
      entry.profile = std::make_shared<const Profile>(*std::move(p));
      add_entry(std::move(entry), slot, path);
    }
  }
  if (read == 0) return fail(last.message.empty() ? Error(ErrorCode::kNotFound, "no files to read") : last);
  return {};
}

std::vector<FileQuery::Column> FileQuery::select(const profile::Selector& selector, TimeRange range) const {
  std::vector<Column> out;
  for (const auto& e : entries_) {
    if (e->range.end <= range.start || e->range.end > range.end) continue;
    for (size_t c = 0; c < e->profile->sample_types.size(); ++c) {
      ProfileType type = type_of(*e, c);
      if (selector.matches(e->labels, type)) out.push_back({e.get(), c, std::move(type)});
    }
  }
  return out;
}

std::vector<std::string> FileQuery::files(const profile::Selector& selector, TimeRange range) const {
  std::vector<std::string> out;
  for (const Column& c : select(selector, range))
    if (!c.entry->path.empty() && std::ranges::find(out, c.entry->path) == out.end()) out.push_back(c.entry->path);
  return out;
}

Result<std::vector<SeriesInfo>> FileQuery::series(const profile::Selector& selector, TimeRange range) {
  std::map<std::pair<Labels, ProfileType>, SeriesInfo> all;
  for (const Column& c : select(selector, range)) {
    auto [it, fresh] =
        all.try_emplace({c.entry->labels, c.type}, SeriesInfo{c.entry->labels, c.type, c.entry->range, 0});
    SeriesInfo& s = it->second;
    ++s.profiles;
    s.range = {std::min(s.range.start, c.entry->range.start), std::max(s.range.end, c.entry->range.end)};
  }
  std::vector<SeriesInfo> out;
  for (auto& [key, s] : all) out.push_back(std::move(s));
  return out;
}

Result<MergeResult> FileQuery::merge(const profile::Selector& selector, TimeRange range,
                                     const profile::MergeOptions& options) {
  std::vector<Column> columns = select(selector, range);
  WF_ASSIGN(auto found, series(selector, range));
  MergeResult result;
  WF_ASSIGN(result.type, profile::single_type(selector, found));
  bool gauge = profile::value_kind(result.type.name, result.type.sample_type) == profile::ValueKind::kGauge;
  std::map<Labels, int64_t> count_of;
  for (const Column& c : columns) ++count_of[c.entry->labels];
  profile::Merger merger(options.keep_labels ? profile::MergeLabels::kKeep : profile::MergeLabels::kDrop);
  std::vector<TimeRange> ranges;
  for (const Column& c : columns) {
    Profile p = only_column(*c.entry->profile, c.column);
    if (gauge)
      for (int64_t& v : p.values[0]) v /= count_of[c.entry->labels];
    WF_TRY(merger.add(p));
    ranges.push_back(c.entry->range);
    result.stats.samples += p.sample_count();
    if (merger.memory_bytes() > options.max_bytes * 16) {
      result.stats.partial = true;
      break;
    }
  }
  Profile merged = merger.finish();
  result.covered = profile::union_length(ranges);
  result.range = {ranges.front().start, ranges.back().end};
  result.profile_count = result.stats.profiles = result.stats.blocks = ranges.size();
  result.stats.stacks = merged.stacks.size() - 1;
  result.profile = std::make_shared<const Profile>(std::move(merged));
  return result;
}

Result<std::vector<profile::TimelinePoint>> FileQuery::timeline(const profile::Selector& selector, TimeRange range,
                                                                DurationNs step) {
  if (step <= 0) return fail(ErrorCode::kInvalidArgument, "the step of a timeline must be longer than nothing");
  std::map<UnixNs, std::pair<int64_t, std::vector<TimeRange>>> steps;
  for (const Column& c : select(selector, range)) {
    int64_t total = 0;
    for (int64_t v : c.entry->profile->values[c.column]) total += v;
    auto& [sum, ranges] = steps[range.start + (c.entry->range.end - 1 - range.start) / step * step];
    sum += total;
    ranges.push_back(c.entry->range);
  }
  std::vector<profile::TimelinePoint> out;
  for (auto& [time, s] : steps) out.push_back({time, s.first, profile::union_length(s.second)});
  return out;
}

}  // namespace watchfire::converters
