#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collectors/scrape/target.h"
#include "converters/pprof/limits.h"
#include "profile/labelled_profile.h"

namespace watchfire::collectors {

/// What is known of one target, for the API.
struct TargetState {
  std::string job;
  std::string url;  ///< without the endpoint
  Labels labels;
  bool up = false;    ///< at least one endpoint answered well when last asked
  std::string error;  ///< what the endpoints that did not said; text from outside may be in it
  UnixNs last_scrape = 0;
  DurationNs last_duration = 0;
  uint64_t last_bytes = 0;
  uint64_t scrapes = 0;
  uint64_t failures = 0;
  std::string origin;  ///< "config", or "local/JOB" when found on this host
};

/// Scrapes all targets on their schedules, none waiting for another, and hands profiles to `sink`.
///
/// Each (target, endpoint) has a fixed place within the interval, from a hash of its URL, so that load is spread and
/// the schedule survives a reload. A scrape that would start while the one before still runs is skipped and counted.
/// Thread-safe. Threads: one that schedules, the fetch loop, and workers that decode and call `sink`.
class Scraper {
 public:
  struct Options {
    converters::DecodeLimits limits;
    unsigned workers = 2;
  };
  /// Takes decoded profiles; called from several threads at once, may block. An error makes the scrape a failure.
  using Sink = std::function<Status(std::vector<profile::LabelledProfile>)>;

  Scraper(Options options, Sink sink);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  /// Replaces the configured jobs. Targets that are the same before and after keep their state and schedule.
  void set_jobs(std::vector<ScrapeJob> jobs);
  /// Replaces the targets found on this host for this job, which the caller made.
  void set_local_targets(const ScrapeJob& job, std::vector<Target> targets);

  std::vector<TargetState> states() const;

  /// How late scrapes started against their schedule, in nanoseconds: (p50, p99, max) of the last 1,000.
  struct Lateness {
    DurationNs p50 = 0;
    DurationNs p99 = 0;
    DurationNs max = 0;
    uint64_t scrapes = 0;
  };
  Lateness lateness() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchfire::collectors
