#pragma once

#include <string>
#include <vector>

#include "base/config_tree.h"
#include "base/log.h"
#include "collectors/scrape/scrape_config.h"
#include "converters/pprof/limits.h"
#include "daemon/schedule.h"

namespace watchfire::daemon {

/// Everything in watchfire.yaml, with its defaults. Unknown keys are refused with line and column; secrets are only
/// named by file. Read by watchfired and watchfire-agent; each uses its part.
struct Config {
  std::string host;  ///< the `host` label; the machine's name when empty
  LogLevel log_level = LogLevel::kInfo;

  struct Api {
    std::string tcp;               ///< "" off; "127.0.0.1:4046"
    std::string write_token_file;  ///< without it TCP is read-only
    std::string group = "watchfire";
  } api;

  struct Store {
    uint64_t max_bytes = 2ull << 30;
    DurationNs max_age = 30 * 24 * kHour;
  } store;

  struct Discovery {
    bool enabled = true;
    std::vector<std::string> allow;  ///< program names; empty: every program with pprof handlers
    DurationNs interval = 15 * kSecond;
  } discovery;

  struct Analysis {
    Schedule schedule{.every = 15 * kMinute, .daily_at = {}};
    DurationNs window = 15 * kMinute;
    DurationNs first_after = 60 * kSecond;  ///< of collecting, before the first digest; 0: only by the schedule
    std::string rules_file;                 ///< "" the rules built in
  } analysis;

  struct Model {
    std::string endpoint;
    std::string key_file;
    std::string name;
    int64_t max_calls = 20;
    int64_t max_tokens = 200'000;
    int64_t max_reply_tokens = 8192;  ///< of one reply
    DurationNs max_time = 5 * kMinute;
    bool configured() const { return !endpoint.empty(); }
  } model;

  converters::DecodeLimits limits = [] {
    converters::DecodeLimits l;
    l.samples = 100'000;
    return l;
  }();

  std::vector<collectors::ScrapeJob> scrape_jobs;
  /// Each still as written: the plugin named by `type` reads it.
  std::vector<ConfigValue> publishers;
};

Result<Config> read_config(std::string_view yaml);
/// Reads a file; errors name it. A missing file is an error.
Result<Config> load_config(const std::string& path);

}  // namespace watchfire::daemon
