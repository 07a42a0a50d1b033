#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "findings/finding.h"
#include "profile/query.h"
#include "profile/report_rows.h"

namespace watchfire::agent {

/// What one query gave, with all that turns its values into claims: tools print it, the verifier compares with it.
struct Measured {
  profile::MergeResult merged;
  std::optional<findings::Resource> resource;  ///< what the profile type is a cost of, when it is one
  int64_t total = 0;
  int64_t samples = 0;  ///< raw samples behind the total, as far as they are known
  double factor = 1;    ///< value * factor is in the resource's unit; without a resource, a second

  double amount(int64_t value) const { return static_cast<double>(value) * factor; }
  double share(int64_t value) const { return total == 0 ? 0 : static_cast<double>(value) / static_cast<double>(total); }
};

/// Runs the query. CPU that eBPF saw is divided by the time eBPF watched the host, as the analyst does it.
Result<Measured> measure(profile::Query& query, const profile::Selector& selector, TimeRange range);

/// The row of the function with exactly this name (as `top` prints it), or nothing.
Result<std::optional<profile::TopRow>> find_function(const profile::Profile& p, std::string_view name);

/// The profile type that a resource is measured on: "process_cpu:cpu".
std::string_view type_of_resource(findings::Resource resource);
/// The value of the matcher service_name="..."; empty when the selector doesn't name one service.
std::string service_of(const profile::Selector& selector);
/// To whole seconds, outwards: what a model can write down.
TimeRange whole_seconds(TimeRange range);

}  // namespace watchfire::agent
