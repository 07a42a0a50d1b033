#include "findings/finding.h"

#include <algorithm>

namespace watchfire::findings {

std::string_view resource_name(Resource r) {
  switch (r) {
    case Resource::kCpu:
      return "cpu";
    case Resource::kAllocations:
      return "allocations";
    case Resource::kHeap:
      return "heap";
    case Resource::kLocks:
      return "locks";
    case Resource::kGoroutines:
      return "goroutines";
  }
  return "cpu";
}

std::string_view resource_unit(Resource r) {
  switch (r) {
    case Resource::kCpu:
      return "cores";
    case Resource::kAllocations:
      return "bytes/s";
    case Resource::kHeap:
      return "bytes";
    case Resource::kLocks:
      return "waiting seconds/s";
    case Resource::kGoroutines:
      return "goroutines";
  }
  return "cores";
}

std::string_view life_name(Life l) {
  switch (l) {
    case Life::kNew:
      return "new";
    case Life::kOpen:
      return "open";
    case Life::kWorse:
      return "worse";
    case Life::kAccepted:
      return "accepted";
    case Life::kFixed:
      return "fixed";
  }
  return "new";
}

bool Digest::has_news() const {
  if (!error.empty() || !fixed.empty()) return true;
  return std::ranges::any_of(findings, [](const Finding& f) { return f.life == Life::kNew || f.life == Life::kWorse; });
}

}  // namespace watchfire::findings
