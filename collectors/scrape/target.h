#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/scrape/scrape_config.h"

namespace watchfire::collectors {

/// One thing to scrape: where, and the labels its series get.
struct Target {
  std::string job;
  std::string scheme;
  std::string address;  ///< host:port
  std::string path_prefix;
  std::string query;  ///< from `params`, "a=b&c=d" without '?'
  Labels labels;      ///< public ones: job, instance, service_name ...

  /// Identity: a target that is the same after a reload keeps its schedule.
  std::string key() const;
  std::string url(const ProfileEndpoint& endpoint) const;
  friend bool operator==(const Target&, const Target&) = default;
};

/// Prometheus' life cycle of a target: labels of discovery and configuration, relabeling, then what stays. Nothing
/// when relabeling drops it or leaves no address.
std::optional<Target> make_target(const ScrapeJob& job, const std::string& address, const Labels& discovered);

/// All targets of a job from its groups, without duplicates, at most `job.target_limit` (the rest is counted).
std::vector<Target> make_targets(const ScrapeJob& job, const std::vector<TargetGroup>& groups);

}  // namespace watchfire::collectors
