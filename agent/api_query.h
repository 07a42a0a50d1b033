#pragma once

#include "agent/api_client.h"
#include "converters/pprof/limits.h"
#include "profile/query.h"

namespace watchfire::agent {

/// Query over the daemon's control socket: the same answers as the daemon's own store gives, notes and cuts included.
/// Errors of the API come back with their code and hint; an answer that breaks its format is kCorrupt. Refers to the
/// client; one call at a time.
class ApiQuery final : public profile::Query {
 public:
  explicit ApiQuery(const ApiClient& client, converters::DecodeLimits limits = {}) : client_(client), limits_(limits) {}

  Result<std::vector<profile::SeriesInfo>> series(const profile::Selector& selector, TimeRange range) override;
  Result<profile::MergeResult> merge(const profile::Selector& selector, TimeRange range,
                                     const profile::MergeOptions& options) override;
  Result<std::vector<profile::TimelinePoint>> timeline(const profile::Selector& selector, TimeRange range,
                                                       DurationNs step) override;

 private:
  const ApiClient& client_;
  const converters::DecodeLimits limits_;
};

}  // namespace watchfire::agent
