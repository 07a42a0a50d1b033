#include "profile/sample_types.h"

#include <array>

namespace watchfire::profile {
namespace {

struct Row {
  std::string_view profile;
  std::string_view sample_type;
  ValueKind kind;
};

// Go counts alloc_*, mutex and block from the start of the process; the rest describe a moment or a duration.
constexpr std::array kTable = {
    Row{"process_cpu", "samples", ValueKind::kDelta},
    Row{"process_cpu", "cpu", ValueKind::kDelta},
    Row{"offcpu", "offcpu", ValueKind::kDelta},
    Row{"memory", "alloc_objects", ValueKind::kCumulative},
    Row{"memory", "alloc_space", ValueKind::kCumulative},
    Row{"memory", "inuse_objects", ValueKind::kGauge},
    Row{"memory", "inuse_space", ValueKind::kGauge},
    Row{"memory", "objects", ValueKind::kGauge},
    Row{"memory", "space", ValueKind::kGauge},
    Row{"growth", "objects", ValueKind::kCumulative},
    Row{"growth", "space", ValueKind::kCumulative},
    Row{"mutex", "contentions", ValueKind::kCumulative},
    Row{"mutex", "delay", ValueKind::kCumulative},
    Row{"block", "contentions", ValueKind::kCumulative},
    Row{"block", "delay", ValueKind::kCumulative},
    Row{"contention", "contentions", ValueKind::kCumulative},
    Row{"contention", "delay", ValueKind::kCumulative},
    Row{"goroutine", "goroutine", ValueKind::kGauge},
    Row{"goroutine", "goroutines", ValueKind::kGauge},
    Row{"threadcreate", "threadcreate", ValueKind::kGauge},
    Row{"threadz", "thread", ValueKind::kGauge},
};

}  // namespace

std::string ProfileType::text() const {
  return name + ':' + sample_type + ':' + sample_unit + ':' + period_type + ':' + period_unit;
}

ValueKind value_kind(std::string_view profile_name, std::string_view sample_type) {
  for (const Row& row : kTable)
    if (row.profile == profile_name && row.sample_type == sample_type) return row.kind;
  return ValueKind::kDelta;
}

std::string_view profile_name_of_endpoint(std::string_view endpoint) {
  if (endpoint == "profile") return "process_cpu";
  if (endpoint == "heap" || endpoint == "allocs") return "memory";
  return endpoint;
}

std::string_view profile_name_of_sample_type(std::string_view type) {
  if (type == "cpu" || type == "samples") return "process_cpu";
  if (type.starts_with("alloc_") || type.starts_with("inuse_") || type == "space" || type == "objects") return "memory";
  if (type == "delay" || type == "contentions") return "mutex";
  return type.empty() ? "profile" : type;
}

}  // namespace watchfire::profile
