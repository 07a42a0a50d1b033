#include "agent/measure.h"

#include "agent/analyst/finding_builder.h"

namespace watchfire::agent {
namespace {

using findings::Resource;
using profile::Selector;

// Fits the agent's own budget of memory; a longer answer says that it is partial.
constexpr size_t kMaxMergeBytes = 24u << 20;

std::optional<Resource> resource_of(const profile::ProfileType& type) {
  std::string text = type.name + ":" + type.sample_type;
  if (text == "block:delay") return Resource::kLocks;
  for (Resource r : {Resource::kCpu, Resource::kAllocations, Resource::kHeap, Resource::kLocks, Resource::kGoroutines})
    if (text == type_of_resource(r) || type.name == type_of_resource(r)) return r;
  return std::nullopt;
}

// The same series' other profile type.
Result<Selector> with_type(std::string_view type, const Selector& selector) {
  std::string text = selector.text();
  size_t brace = text.find('{');
  return Selector::parse(std::string(type) + (brace == std::string::npos ? "" : text.substr(brace)));
}

// Raw samples behind a CPU profile: its own count type, else value over period.
int64_t cpu_samples(profile::Query& query, const Selector& selector, TimeRange range, const Measured& m) {
  auto counts = with_type("process_cpu:samples", selector);
  auto points = counts ? query.timeline(*counts, range, range.length()) : fail(Error());
  int64_t sum = 0;
  if (points)
    for (const auto& p : *points) sum += p.value;
  if (sum > 0) return sum;
  int64_t period = m.merged.profile->period;
  return period > 0 ? m.total / period : static_cast<int64_t>(m.merged.stats.samples);
}

// How long eBPF watched the host, when these series are eBPF's: a window without samples of a service is one in which
// it did not run.
DurationNs watched(profile::Query& query, const Selector& selector, TimeRange range) {
  auto series = query.series(selector, range);
  bool by_ebpf = false;
  if (series)
    for (const auto& s : *series) by_ebpf = by_ebpf || label_or_empty(s.labels, "source") == "ebpf";
  if (!by_ebpf) return 0;
  auto points = query.timeline(*Selector::parse("process_cpu:cpu{source=\"ebpf\"}"), range, range.length());
  return points && !points->empty() ? points->front().covered : 0;
}

}  // namespace

Result<Measured> measure(profile::Query& query, const Selector& selector, TimeRange range) {
  Measured m;
  WF_ASSIGN(m.merged, query.merge(selector, range, {.keep_labels = false, .max_bytes = kMaxMergeBytes}));
  for (int64_t v : m.merged.profile->values[0]) m.total += v;
  m.resource = resource_of(m.merged.type);
  m.samples = static_cast<int64_t>(m.merged.stats.samples);
  if (m.resource == Resource::kCpu) {
    m.samples = cpu_samples(query, selector, range, m);
    if (DurationNs covered = watched(query, selector, range); covered > 0) m.merged.covered = covered;
  }
  if (m.resource)
    m.factor = amount_factor(*m.resource, m.merged.covered);
  else if (profile::value_kind(m.merged.type.name, m.merged.type.sample_type) != profile::ValueKind::kGauge)
    m.factor = amount_factor(Resource::kAllocations, m.merged.covered);
  return m;
}

Result<std::optional<profile::TopRow>> find_function(const profile::Profile& p, std::string_view name) {
  profile::ReportOptions options;
  options.trim = false;
  WF_ASSIGN(profile::TopRows top, profile::top_rows(p, options));
  for (auto& row : top.rows)
    if (row.name == name) return std::optional(std::move(row));
  return std::optional<profile::TopRow>();
}

std::string_view type_of_resource(Resource resource) {
  switch (resource) {
    case Resource::kCpu:
      return "process_cpu:cpu";
    case Resource::kAllocations:
      return "memory:alloc_space";
    case Resource::kHeap:
      return "memory:inuse_space";
    case Resource::kLocks:
      return "mutex:delay";
    case Resource::kGoroutines:
      return "goroutine";
  }
  return "";
}

std::string service_of(const Selector& selector) {
  for (const auto& m : selector.matchers())
    if (m.name == "service_name" && m.op == Selector::Op::kEqual) return m.value;
  return "";
}

TimeRange whole_seconds(TimeRange range) {
  return {range.start / kSecond * kSecond, (range.end + kSecond - 1) / kSecond * kSecond};
}

}  // namespace watchfire::agent
