#include "agent/api_query.h"

#include <cstdio>

#include "base/json_tree.h"
#include "converters/pprof/decode.h"

namespace watchfire::agent {
namespace {

using profile::MergeResult;
using profile::ProfileType;
using profile::SeriesInfo;
using profile::TimelinePoint;

// Seconds with nine decimals: exact, unlike RFC 3339 as we print it.
std::string time_text(UnixNs t) {
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(t / kSecond),
                static_cast<long long>(t % kSecond));
  return text;
}

Params range_params(const profile::Selector& selector, TimeRange range) {
  Params p{{"start", time_text(range.start)}, {"end", time_text(range.end)}};
  if (std::string text = selector.text(); !text.empty()) p["selector"] = text;
  return p;
}

Result<ProfileType> parse_type(std::string_view text) {
  ProfileType type;
  std::string* parts[] = {&type.name, &type.sample_type, &type.sample_unit, &type.period_type, &type.period_unit};
  for (std::string* part : parts) {
    size_t colon = part == parts[4] ? text.size() : text.find(':');
    if (colon == std::string_view::npos) return fail(ErrorCode::kCorrupt, "a profile type has five parts");
    *part = text.substr(0, colon);
    text.remove_prefix(std::min(text.size(), colon + 1));
  }
  return type;
}

// The fields of an answer's objects. Fields that a newer daemon adds are passed over.
struct Fields {
  const ConfigValue& value;
  std::string text(std::string_view key) const {
    const ConfigValue* v = value.find(key);
    return v == nullptr ? std::string() : v->scalar;
  }
  int64_t number(std::string_view key) const { return std::strtoll(text(key).c_str(), nullptr, 10); }
  uint64_t count(std::string_view key) const { return std::strtoull(text(key).c_str(), nullptr, 10); }
};

Result<ConfigValue> parse_answer(std::string_view json, std::string_view what) {
  auto root = parse_json(json);
  if (!root) return fail(Error(ErrorCode::kCorrupt, "the daemon's " + std::string(what) + ": " + root.error().message));
  return root;
}

const std::vector<ConfigValue>& items(const ConfigValue& root, std::string_view key) {
  static const std::vector<ConfigValue> none;
  const ConfigValue* v = root.find(key);
  return v == nullptr ? none : v->items;
}

Status read_status(std::string_view json, MergeResult& result) {
  WF_ASSIGN(ConfigValue root, parse_answer(json, "status of a profile"));
  Fields f{root};
  WF_ASSIGN(result.type, parse_type(f.text("type")));
  if (const ConfigValue* range = root.find("range")) {
    Fields r{*range};
    result.range = {r.number("start_ns"), r.number("end_ns")};
  }
  result.covered = f.number("covered_ns");
  result.profile_count = f.count("profile_count");
  result.stats.profiles = f.count("profiles");
  result.stats.blocks = f.count("blocks");
  result.stats.samples = f.count("samples");
  result.stats.stacks = f.count("stacks");
  result.stats.partial = f.text("partial") == "true";
  for (const ConfigValue& note : items(root, "notes")) result.stats.notes.push_back(note.scalar);
  return {};
}

}  // namespace

Result<std::vector<SeriesInfo>> ApiQuery::series(const profile::Selector& selector, TimeRange range) {
  WF_ASSIGN(auto response, client_.get("/api/v1/series", range_params(selector, range)));
  WF_ASSIGN(ConfigValue root, parse_answer(response.body, "list of series"));
  std::vector<SeriesInfo> out;
  for (const ConfigValue& item : items(root, "series")) {
    Fields f{item};
    SeriesInfo s;
    WF_ASSIGN(s.type, parse_type(f.text("type")));
    s.profiles = f.count("profiles");
    s.range = {f.number("start_ns"), f.number("end_ns")};
    if (const ConfigValue* labels = item.find("labels"))
      for (const auto& [name, value] : labels->entries) s.labels[name] = value.scalar;
    out.push_back(std::move(s));
  }
  return out;
}

Result<MergeResult> ApiQuery::merge(const profile::Selector& selector, TimeRange range,
                                    const profile::MergeOptions& options) {
  Params params = range_params(selector, range);
  params["labels"] = options.keep_labels ? "keep" : "drop";
  params["max_bytes"] = std::to_string(options.max_bytes);
  WF_ASSIGN(auto response, client_.get("/api/v1/profile", params));
  MergeResult result;
  WF_TRY(read_status(response.headers["x-watchfire-status"], result));
  auto decoded = converters::decode_pprof(response.body, limits_);
  if (!decoded) return fail(std::move(decoded).error().with("the daemon's profile"));
  if (decoded->sample_types.size() != 1) return fail(ErrorCode::kCorrupt, "a merged profile has one sample type");
  result.profile = std::make_shared<const profile::Profile>(*std::move(decoded));
  return result;
}

Result<std::vector<TimelinePoint>> ApiQuery::timeline(const profile::Selector& selector, TimeRange range,
                                                      DurationNs step) {
  Params params = range_params(selector, range);
  params["step"] = std::to_string(step) + "ns";
  WF_ASSIGN(auto response, client_.get("/api/v1/timeline", params));
  WF_ASSIGN(ConfigValue root, parse_answer(response.body, "timeline"));
  std::vector<TimelinePoint> out;
  for (const ConfigValue& item : items(root, "points")) {
    Fields f{item};
    out.push_back({f.number("time_ns"), f.number("value"), f.number("covered_ns")});
  }
  return out;
}

}  // namespace watchfire::agent
