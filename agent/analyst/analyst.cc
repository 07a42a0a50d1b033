#include "agent/analyst/analyst.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <tuple>

#include "agent/analyst/attribution.h"
#include "agent/analyst/change.h"
#include "agent/analyst/finding_builder.h"
#include "agent/analyst/rule_set.h"

namespace watchfire::agent {
namespace {

using findings::Digest;
using findings::Finding;
using findings::Resource;
using findings::ServiceSummary;
using profile::MergeResult;
using profile::Query;

constexpr double kIdleCores = 0.005;
constexpr int kDispersionParts = 12;
// Rules that the code knows by name.
constexpr std::string_view kHotCode = "own_code";
constexpr std::string_view kAllocator = "allocation_churn";

int64_t total_of(const profile::Profile& p) {
  int64_t total = 0;
  if (!p.values.empty())
    for (int64_t v : p.values[0]) total += v;
  return total;
}

double seconds(DurationNs d) {
  return static_cast<double>(d) / static_cast<double>(kSecond);
}

// How long eBPF watched the host within the range.
DurationNs covered_by_ebpf(Query& query, TimeRange range) {
  profile::Selector selector = *profile::Selector::parse("process_cpu:cpu{source=\"ebpf\"}");
  auto points = query.timeline(selector, range, range.length());
  return points && !points->empty() ? points->front().covered : 0;
}

// One service within one request.
class ServiceAnalysis {
 public:
  /// `ebpf_covered`: how long eBPF watched in the range, or 0 when it did not see this service's CPU.
  ServiceAnalysis(Query& query, const RuleSet& rules, const AnalystRequest& request, std::string service,
                  DurationNs ebpf_covered)
      : query_(query), rules_(rules), request_(request), service_(std::move(service)), ebpf_covered_(ebpf_covered) {
    summary_.service = UntrustedText(service_);
  }

  void run(Digest& digest) {
    cpu();
    resource("memory:alloc_space", Resource::kAllocations);
    resource("memory:inuse_space", Resource::kHeap);
    if (summary_.heap_bytes < 0) resource("memory:space", Resource::kHeap);  // gperftools without allocation counts
    resource("mutex:delay", Resource::kLocks);
    resource("goroutine", Resource::kGoroutines);
    if (findings_.empty() && summary_.verdict.empty()) summary_.verdict = "nothing notable";
    sort_by_importance(findings_);
    if (findings_.size() > request_.max_findings_per_service) findings_.resize(request_.max_findings_per_service);
    digest.services.push_back(std::move(summary_));
    std::ranges::move(findings_, std::back_inserter(digest.findings));
    std::ranges::move(notes_, std::back_inserter(digest.notes));
  }

  // Most important first; equal ones by key, so that equal profiles give equal digests.
  static void sort_by_importance(std::vector<Finding>& list) {
    std::ranges::sort(list, [](const Finding& a, const Finding& b) {
      return std::pair(-importance(a), std::string_view(a.key)) < std::pair(-importance(b), std::string_view(b.key));
    });
  }

  // CPU and locks in cores count as they are; memory and goroutines by their share of the service.
  static double importance(const Finding& f) {
    double weight = f.resource == Resource::kCpu || f.resource == Resource::kLocks ? f.amount : 0.05 * f.share;
    return weight * f.confidence * (f.change ? 3 : 1);
  }

 private:
  std::optional<MergeResult> merge(std::string_view type, TimeRange range) {
    auto merged = query_.merge(profile::Selector::of_service(type, service_), range, {});
    if (!merged) {
      if (merged.error().code != ErrorCode::kNotFound) notes_.push_back(service_ + ": " + merged.error().text());
      return std::nullopt;
    }
    for (const std::string& note : merged->stats.notes) notes_.push_back(note);
    // eBPF sees every process all the time: a window without samples of the service is one in which it did not run.
    if (type.starts_with("process_cpu") && ebpf_covered_ > 0) merged->covered = ebpf_covered_;
    return *std::move(merged);
  }

  void cpu();
  void drop_doubled_hot_code();
  void cpu_changes(const Attribution& now, const MergeResult& merged, int64_t samples);
  void resource(std::string_view type, Resource r);
  void growth(std::string_view type, Resource r, const Attribution& now, const MergeResult& merged);
  void note_summary(Resource r, double amount);
  void add_rule_findings(const Attribution& a, FindingBuilder& builder, double min_total);
  WindowCost window_cost(const Attribution& a, const MergeResult& merged, int64_t samples, TimeRange range);
  std::optional<OwnFunction> top_allocator(const Attribution& cpu);
  int64_t sample_count(TimeRange range, const MergeResult& merged);

  Query& query_;
  const RuleSet& rules_;
  const AnalystRequest& request_;
  const std::string service_;
  const DurationNs ebpf_covered_;
  ServiceSummary summary_;
  std::vector<Finding> findings_;
  std::vector<std::string> notes_;
};

// Raw samples behind a CPU profile: its own count type, else value over period.
int64_t ServiceAnalysis::sample_count(TimeRange range, const MergeResult& merged) {
  auto counted = query_.merge(profile::Selector::of_service("process_cpu:samples", service_), range, {});
  if (counted) return total_of(*counted->profile);
  int64_t period = merged.profile->period;
  return period > 0 ? total_of(*merged.profile) / period : static_cast<int64_t>(merged.stats.samples);
}

WindowCost ServiceAnalysis::window_cost(const Attribution& a, const MergeResult& merged, int64_t samples,
                                        TimeRange range) {
  WindowCost w;
  w.by_function = a.by_own_function;
  w.total = a.total;
  w.seconds = seconds(merged.covered);
  w.per_sample = samples > 0 ? static_cast<double>(a.total) / static_cast<double>(samples) : 0;
  DurationNs step = std::max<DurationNs>(10 * kSecond, range.length() / kDispersionParts);
  auto points = query_.timeline(profile::Selector::of_service("process_cpu:cpu", service_), range, step);
  std::vector<double> counts;
  if (points && w.per_sample > 0) {
    for (const auto& p : *points)
      if (p.covered > step / 2)
        counts.push_back(static_cast<double>(p.value) / w.per_sample * static_cast<double>(step) /
                         static_cast<double>(p.covered));
  }
  w.dispersion = dispersion_of(counts);
  return w;
}

// The function that allocates most: from the allocation profile, else by the allocator's stacks in the CPU profile and
// by those that help the collector because they allocate.
std::optional<OwnFunction> ServiceAnalysis::top_allocator(const Attribution& cpu) {
  Attribution::Sums costs;
  auto merged = query_.merge(profile::Selector::of_service("memory:alloc_space", service_), request_.range, {});
  if (merged) costs = attribute(*merged->profile, rules_, Resource::kAllocations).by_own_function;
  if (costs.empty()) {
    for (const auto& [rule, functions] : cpu.by_rule)
      if (rules_.rules()[rule].id == kAllocator || rules_.rules()[rule].blame == Rule::Blame::kAllocations)
        for (const auto& [f, value] : functions) costs[f] += value;
  }
  std::erase_if(costs, [](const auto& c) { return c.first.name.empty(); });
  if (costs.empty()) return std::nullopt;
  return std::ranges::max_element(costs, {}, [](const auto& c) { return c.second; })->first;
}

void ServiceAnalysis::add_rule_findings(const Attribution& a, FindingBuilder& builder, double min_total) {
  if (a.total <= 0 || builder.amount(a.total) < min_total) return;
  for (const auto& [index, functions] : a.by_rule) {
    const Rule& rule = rules_.rules()[index];
    Attribution::Sums blamed = functions;
    if (rule.blame == Rule::Blame::kAllocations) {
      int64_t sum = 0;
      for (const auto& [f, v] : functions) sum += v;
      blamed = {{top_allocator(a).value_or(OwnFunction{}), sum}};
    }
    for (const auto& [function, value] : blamed) {
      double share = static_cast<double>(value) / static_cast<double>(a.total);
      if (share < rule.min_share || builder.amount(value) < rule.min_amount) continue;
      // A cause that nobody's code is behind is told only for what serves everybody.
      if (function.name.empty() && rule.blame != Rule::Blame::kAllocations) continue;
      findings_.push_back(builder.of_rule(rule, function, value));
    }
  }
}

void ServiceAnalysis::cpu() {
  auto merged = merge("process_cpu:cpu", request_.range);
  if (!merged) return;
  Attribution a = attribute(*merged->profile, rules_, Resource::kCpu);
  int64_t samples = sample_count(request_.range, *merged);
  FindingBuilder builder(service_, request_, *merged, Resource::kCpu, a.total, samples);
  summary_.cores = builder.amount(a.total);
  summary_.samples = samples;
  summary_.cores_error = samples > 0 ? summary_.cores / std::sqrt(static_cast<double>(samples)) : 0;
  summary_.source = ebpf_covered_ > 0 ? "ebpf" : "pprof";
  if (samples < rules_.min_samples()) {
    summary_.verdict = "too few samples";
    return;
  }
  add_rule_findings(a, builder, kIdleCores);
  drop_doubled_hot_code();
  cpu_changes(a, *merged, samples);
}

// A function that a rule of CPU names already is not told again for being hot.
void ServiceAnalysis::drop_doubled_hot_code() {
  std::set<std::string> named;
  for (const Finding& f : findings_)
    if (f.resource == Resource::kCpu && f.cause_class != kHotCode) named.insert(f.function.raw());
  std::erase_if(findings_,
                [&](const Finding& f) { return f.cause_class == kHotCode && named.contains(f.function.raw()); });
}

void ServiceAnalysis::cpu_changes(const Attribution& now, const MergeResult& merged, int64_t samples) {
  const ChangeRule* rule = rules_.change_rule(Resource::kCpu);
  if (!request_.base || rule == nullptr) return;
  auto before = query_.merge(profile::Selector::of_service("process_cpu:cpu", service_), *request_.base, {});
  if (!before) return;
  int64_t samples_before = sample_count(*request_.base, *before);
  if (samples_before < rules_.min_samples()) return;
  if (ebpf_covered_ > 0) before->covered = covered_by_ebpf(query_, *request_.base);
  Attribution was = attribute(*before->profile, rules_, Resource::kCpu);
  WindowCost old_cost = window_cost(was, *before, samples_before, *request_.base);
  WindowCost new_cost = window_cost(now, merged, samples, request_.range);
  FindingBuilder builder(service_, request_, merged, Resource::kCpu, now.total, samples);
  size_t told = 0;
  for (const FunctionChange& c : rising_functions(old_cost, new_cost, rule->min_relative)) {
    findings::Change cores = c.change;
    for (double* v : {&cores.before, &cores.after, &cores.low, &cores.high}) *v /= static_cast<double>(kSecond);
    if (cores.after - cores.before < rule->min_amount || c.function.name.empty()) continue;
    if (++told > rule->max_findings) break;
    findings_.push_back(builder.of_change(*rule, c.function, cores, c.samples));
  }
}

void ServiceAnalysis::note_summary(Resource r, double amount) {
  if (r == Resource::kAllocations) summary_.alloc_bytes_per_s = amount;
  if (r == Resource::kHeap) summary_.heap_bytes = amount;
  if (r == Resource::kGoroutines) summary_.goroutines = amount;
  if (summary_.source.empty()) summary_.source = "pprof";
}

void ServiceAnalysis::resource(std::string_view type, Resource r) {
  auto merged = merge(type, request_.range);
  if (!merged) return;
  Attribution a = attribute(*merged->profile, rules_, r);
  FindingBuilder builder(service_, request_, *merged, r, a.total, static_cast<int64_t>(merged->stats.samples));
  note_summary(r, builder.amount(a.total));
  add_rule_findings(a, builder, 0);
  if (r == Resource::kHeap || r == Resource::kGoroutines) growth(type, r, a, *merged);
}

// Gauges that grew against the window before: when the service's total did, the functions that grew most.
void ServiceAnalysis::growth(std::string_view type, Resource r, const Attribution& now, const MergeResult& merged) {
  const ChangeRule* rule = rules_.change_rule(r);
  if (!request_.base || rule == nullptr) return;
  auto before = query_.merge(profile::Selector::of_service(type, service_), *request_.base, {});
  if (!before) return;
  Attribution was = attribute(*before->profile, rules_, r);
  auto notable = [&](int64_t old_value, int64_t new_value) {
    double grown = static_cast<double>(new_value - old_value);
    return grown >= rule->min_amount && grown >= rule->min_relative * static_cast<double>(old_value);
  };
  if (!notable(was.total, now.total)) return;
  std::vector<std::tuple<int64_t, OwnFunction, int64_t>> risen;  // minus the growth, function, value now
  for (const auto& [f, value] : now.by_own_function) {
    auto it = was.by_own_function.find(f);
    int64_t old_value = it == was.by_own_function.end() ? 0 : it->second;
    if (!f.name.empty() && notable(old_value, value)) risen.emplace_back(old_value - value, f, value);
  }
  std::ranges::sort(risen);
  if (risen.size() > rule->max_findings) risen.resize(rule->max_findings);
  int64_t samples = static_cast<int64_t>(merged.stats.samples);
  FindingBuilder builder(service_, request_, merged, r, now.total, samples);
  for (const auto& [minus_growth, function, value] : risen) {
    double after = static_cast<double>(value), growth = static_cast<double>(-minus_growth);
    findings_.push_back(builder.of_change(*rule, function, {after - growth, after, growth, growth}, samples));
  }
}

}  // namespace

Result<Analyst> Analyst::create(const std::string& rules_file) {
  WF_ASSIGN(auto rules, rules_file.empty() ? RuleSet::built_in() : RuleSet::load(rules_file));
  return Analyst(std::move(rules));
}

Result<Digest> Analyst::analyze(Query& query, const AnalystRequest& request,
                                const std::function<void(std::string_view)>& progress) const {
  Digest digest;
  digest.range = request.range;
  digest.host = request.host;
  profile::Selector selector =
      request.service.empty() ? profile::Selector() : profile::Selector::of_service("", request.service);
  WF_ASSIGN(auto series, query.series(selector, request.range));
  std::set<std::string> services, by_ebpf;
  for (const auto& s : series) {
    std::string service(label_or_empty(s.labels, "service_name"));
    if (s.type.name == "process_cpu" && label_or_empty(s.labels, "source") == "ebpf") by_ebpf.insert(service);
    services.insert(std::move(service));
  }
  if (services.empty() && !request.service.empty())
    return fail(Error(ErrorCode::kNotFound, "no profiles of the service '" + request.service + "' in this range")
                    .hinted("`watchfire services` lists what is there"));
  if (services.empty()) digest.notes.push_back("no profiles in this range");
  DurationNs ebpf_covered = by_ebpf.empty() ? 0 : covered_by_ebpf(query, request.range);
  size_t done = 0;
  for (const std::string& service : services) {
    ++done;
    if (progress)
      progress("analysing " + service + " (" + std::to_string(done) + " of " + std::to_string(services.size()) + ")");
    ServiceAnalysis(query, *rules_, request, service, by_ebpf.contains(service) ? ebpf_covered : 0).run(digest);
  }
  std::ranges::sort(digest.services, [](const ServiceSummary& a, const ServiceSummary& b) {
    return std::pair(-a.cores, a.service) < std::pair(-b.cores, b.service);
  });
  ServiceAnalysis::sort_by_importance(digest.findings);
  std::ranges::sort(digest.notes);
  auto repeated = std::ranges::unique(digest.notes);
  digest.notes.erase(repeated.begin(), repeated.end());
  return digest;
}

}  // namespace watchfire::agent
