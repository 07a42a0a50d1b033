#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/config_tree.h"
#include "collectors/scrape/relabel.h"
#include "net/http_client.h"

namespace watchfire::collectors {

/// One kind of profile that a job asks its targets for.
struct ProfileEndpoint {
  std::string path;  ///< "/debug/pprof/heap"
  bool enabled = true;
  DurationNs seconds = 0;    ///< sent as ?seconds=; 0: not sent
  std::string profile_name;  ///< "memory"; by default the name of the entry
  friend bool operator==(const ProfileEndpoint&, const ProfileEndpoint&) = default;
};

/// A group of targets as written, with labels for all of them.
struct TargetGroup {
  std::vector<std::string> targets;
  Labels labels;
  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

/// One entry of `scrape_configs`, Prometheus' dialect with Parca's profiling_config. Limits are on by default.
struct ScrapeJob {
  std::string name;
  DurationNs interval = 15 * kSecond;
  DurationNs timeout = 10 * kSecond;  ///< above a profile's own seconds
  std::string scheme = "http";
  std::string path_prefix;
  uint64_t body_limit = 16u << 20;
  size_t target_limit = 100;
  std::map<std::string, std::vector<std::string>> params;
  net::Headers headers;
  std::string bearer_token_file;
  std::string basic_auth_user;
  std::string basic_auth_password_file;
  net::TlsOptions tls;
  std::vector<TargetGroup> static_configs;
  std::vector<std::string> file_sd_files;  ///< globs allowed in the last part
  DurationNs file_sd_refresh = 5 * kMinute;
  std::vector<RelabelRule> relabel_rules;
  std::map<std::string, ProfileEndpoint> endpoints;
};

/// The endpoints of Go's net/http/pprof, as a job has them when it says nothing, and those of gperftools, off.
std::map<std::string, ProfileEndpoint> default_endpoints();

/// Reads `scrape_configs`; duplicate job names are refused.
Result<std::vector<ScrapeJob>> read_scrape_configs(const ConfigValue& list, const std::string& what);

/// Reads one file of file_sd: a list of {targets, labels}, JSON or YAML.
Result<std::vector<TargetGroup>> read_target_groups(const std::string& text);

}  // namespace watchfire::collectors
