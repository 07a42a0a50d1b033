#include "daemon/config.h"

#include "base/fd.h"

namespace watchfire::daemon {
namespace {

constexpr size_t kMaxConfigBytes = 1u << 20;

Status read_api(const ConfigValue& v, const std::string& what, Config::Api& api) {
  ObjectReader r(v, what);
  r.text("tcp", api.tcp);
  r.text("write_token_file", api.write_token_file);
  r.text("group", api.group);
  return r.finish();
}

Status read_store(const ConfigValue& v, const std::string& what, Config::Store& store) {
  ObjectReader r(v, what);
  r.bytes("max_size", store.max_bytes, 16u << 20, 1ull << 50);
  r.duration("max_age", store.max_age, kHour, 10 * 365 * 24 * kHour);
  return r.finish();
}

Status read_discovery(const ConfigValue& v, const std::string& what, Config::Discovery& discovery) {
  ObjectReader r(v, what);
  r.flag("enabled", discovery.enabled);
  r.texts("allow", discovery.allow);
  r.duration("scrape_interval", discovery.interval, 5 * kSecond, kHour);
  return r.finish();
}

Status read_analysis(const ConfigValue& v, const std::string& what, Config::Analysis& analysis) {
  ObjectReader r(v, what);
  r.duration("every", analysis.schedule.every, kMinute, 7 * 24 * kHour);
  std::vector<std::string> times;
  r.texts("daily_at", times);
  r.duration("window", analysis.window, 10 * kSecond, 7 * 24 * kHour);
  r.duration("first_after", analysis.first_after, 0, kHour);
  r.text("rules_file", analysis.rules_file);
  if (Status s = r.finish(); !s) return s;
  if (!times.empty() && v.find("every") != nullptr)
    return fail(config_error(v, what + ": take either every or daily_at"));
  for (const std::string& time : times) {
    auto minute = parse_time_of_day(time);
    if (!minute)
      return fail(config_error(v, what + ".daily_at: " + minute.error().message).hinted(minute.error().hint));
    analysis.schedule.every = 0;
    analysis.schedule.daily_at.push_back(*minute);
  }
  return {};
}

Status read_model(const ConfigValue& v, const std::string& what, Config::Model& model) {
  ObjectReader r(v, what);
  r.require("endpoint");
  r.require("key_file");
  r.require("model");
  r.text("endpoint", model.endpoint);
  r.text("key_file", model.key_file);
  r.text("model", model.name);
  r.integer("max_calls", model.max_calls, 1, 200);
  r.integer("max_tokens", model.max_tokens, 1000, 10'000'000);
  r.integer("max_reply_tokens", model.max_reply_tokens, 256, 128'000);
  r.duration("max_time", model.max_time, kSecond, kHour);
  return r.finish();
}

Status read_limits(const ConfigValue& v, const std::string& what, converters::DecodeLimits& limits) {
  ObjectReader r(v, what);
  auto integer = [&](const char* key, uint64_t& out) {
    int64_t n = static_cast<int64_t>(out);
    r.integer(key, n, 1, 1'000'000'000);
    out = static_cast<uint64_t>(n);
  };
  r.bytes("compressed_bytes", limits.compressed_bytes, 1024, 1ull << 32);
  r.bytes("decompressed_bytes", limits.decompressed_bytes, 1024, 1ull << 34);
  r.bytes("string_bytes", limits.string_bytes, 1024, 1ull << 34);
  integer("inflate_ratio", limits.inflate_ratio);
  integer("samples", limits.samples);
  integer("locations", limits.locations);
  integer("functions", limits.functions);
  integer("strings", limits.strings);
  integer("stack_depth", limits.stack_depth);
  integer("labels_per_sample", limits.labels_per_sample);
  return r.finish();
}

Status set_log_level(const ConfigValue& root, const std::string& level, LogLevel& out) {
  if (level == "debug")
    out = LogLevel::kDebug;
  else if (level == "info")
    out = LogLevel::kInfo;
  else if (level == "warn")
    out = LogLevel::kWarn;
  else if (level == "error")
    out = LogLevel::kError;
  else
    return fail(
        config_error(*root.find("log_level"), "log_level: expected debug, info, warn or error, found '" + level + "'"));
  return {};
}

}  // namespace

Result<Config> read_config(std::string_view yaml) {
  WF_ASSIGN(ConfigValue root, parse_config(yaml));
  Config config;
  std::string level = "info";
  ObjectReader r(root, "");
  auto section = [&](const char* key, auto& into, auto read) {
    r.child(key, [&](const ConfigValue& v, const std::string& what) { return read(v, what, into); });
  };
  r.text("host", config.host);
  r.text("log_level", level);
  section("api", config.api, read_api);
  section("store", config.store, read_store);
  section("discovery", config.discovery, read_discovery);
  section("analysis", config.analysis, read_analysis);
  section("model", config.model, read_model);
  section("limits", config.limits, read_limits);
  r.child("scrape_configs", [&](const ConfigValue& v, const std::string& what) -> Status {
    WF_ASSIGN(config.scrape_jobs, collectors::read_scrape_configs(v, what));
    return {};
  });
  r.each("publishers", [&](const ConfigValue& v, const std::string& what) -> Status {
    const ConfigValue* type = v.find("type");
    if (type == nullptr || type->kind != ConfigValue::Kind::kScalar)
      return fail(config_error(v, what + ": the key 'type' is required").hinted("type: file or type: slack"));
    config.publishers.push_back(v);
    return {};
  });
  WF_TRY(r.finish());
  WF_TRY(set_log_level(root, level, config.log_level));
  return config;
}

Result<Config> load_config(const std::string& path) {
  WF_ASSIGN(std::string text, read_file(path, kMaxConfigBytes));
  auto config = read_config(text);
  if (!config) return fail(std::move(config).error().with(path));
  return config;
}

}  // namespace watchfire::daemon
