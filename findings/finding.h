#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/untrusted_text.h"

namespace watchfire::findings {

/// What a finding is about; decides the unit of its amounts.
enum class Resource : uint8_t {
  kCpu,          ///< cores
  kAllocations,  ///< bytes/s allocated
  kHeap,         ///< bytes in use
  kLocks,        ///< cores' worth of waiting: seconds waited per second
  kGoroutines,   ///< a number of them
};
std::string_view resource_name(Resource r);  ///< "cpu", "allocations", "heap", "locks", "goroutines"
std::string_view resource_unit(Resource r);  ///< "cores", "bytes/s", "bytes", "waiting seconds/s", "goroutines"

/// Where a finding stands in its life, against the digests before.
enum class Life : uint8_t { kNew, kOpen, kWorse, kAccepted, kFixed };
std::string_view life_name(Life l);  ///< "new", "open", "worse", "accepted", "fixed"

/// One number that a finding rests on, and which query gives it.
struct EvidenceNumber {
  std::string name;  ///< "flat", "cum", "total", "samples" ...
  double value = 0;
  std::string unit;
};

/// A query that anybody can run again, with the numbers it gave.
struct Evidence {
  std::string query;  ///< selector, "process_cpu:cpu{service_name=\"api\"}"
  TimeRange range;
  std::string tool;        ///< "top", "peek", "tree", "diff"
  UntrustedText function;  ///< the function the numbers are of; empty for totals
  std::vector<EvidenceNumber> numbers;
  std::string command;  ///< the shell command that shows it, quoted for a shell
};

/// Against the window before: the interval is a 95 % confidence interval of `after - before`.
struct Change {
  double before = 0;
  double after = 0;
  double low = 0;
  double high = 0;
};

/// One thing worth knowing about one service. Made by the analyst or filed by a model; the same schema for both.
///
/// Text fields without UntrustedText are ours (from rules and templates); names from profiles are UntrustedText.
struct Finding {
  std::string key;  ///< stable across windows and restarts: same service, cause and function, same key
  UntrustedText service;
  Resource resource = Resource::kCpu;
  std::string cause_class;    ///< id of the rule: "gc_pressure", "regex_compile" ...
  UntrustedText function;     ///< the function of the user's code that causes the cost
  UntrustedText file;         ///< its source file, may be empty
  UntrustedText title;        ///< one line, names inside are untrusted
  UntrustedText explanation;  ///< why, and what would tell; one paragraph
  std::string advice;         ///< what usually helps
  double share = 0;           ///< of the service's total of this resource, 0..1
  double amount = 0;          ///< absolute cost in resource_unit
  double gain_bound = 0;      ///< at most this can be gained, same unit (Amdahl)
  double confidence = 0;      ///< 0..1, from the number of samples behind it and how sure the rule is
  int64_t samples = 0;        ///< raw samples behind the share
  std::optional<Change> change;
  std::vector<Evidence> evidence;
  std::string author = "analyst";  ///< or "model"
  Life life = Life::kNew;
  UnixNs first_seen = 0;
  UnixNs last_seen = 0;
};

/// One line a service gets in a digest, with findings or without.
struct ServiceSummary {
  UntrustedText service;
  double cores = 0;
  double cores_error = 0;  ///< one standard error
  int64_t samples = 0;
  double alloc_bytes_per_s = -1;  ///< -1: not profiled
  double heap_bytes = -1;
  double goroutines = -1;
  std::string verdict;  ///< "", "too few samples", "nothing notable"
  std::string source;   ///< "ebpf", "pprof"
};

/// What one analysis found, ready to publish.
struct Digest {
  UnixNs created = 0;
  TimeRange range;
  std::string host;
  std::string error;                     ///< why the run failed; publishers then say so instead of findings
  std::vector<ServiceSummary> services;  ///< by cores, most first
  std::vector<Finding> findings;         ///< by importance, most first
  std::vector<Finding> fixed;            ///< were open before and are gone
  std::vector<std::string> notes;        ///< sources left out, partial answers, model budget ended ...
  uint64_t expected_samples = 0;         ///< over all services, as far as known
  uint64_t lost_samples = 0;
  /// Whether there is anything that the digest before did not say.
  bool has_news() const;
};

}  // namespace watchfire::findings
