#pragma once

#include <map>
#include <string>
#include <vector>

#include "profile/labelled_profile.h"

namespace watchfire::test {

inline constexpr int64_t kCpuPeriod = 10'000'000;

/// A CPU profile of ten seconds at 100 Hz: stacks (leaf first) with their numbers of samples.
inline profile::LabelledProfile cpu_profile(const std::map<std::vector<std::string>, int64_t>& stacks,
                                            const std::string& service = "svc") {
  profile::Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str("samples"), str("count")}, {str("cpu"), str("nanoseconds")}};
  p.period_type = p.sample_types[1];
  p.period = kCpuPeriod;
  p.duration_ns = 10 * kSecond;
  p.values.resize(2);
  std::map<std::string, uint32_t> locations;
  for (const auto& [names, samples] : stacks) {
    std::vector<uint32_t> stack;
    for (const std::string& name : names) {
      auto [it, fresh] = locations.try_emplace(name, static_cast<uint32_t>(p.locations.size()));
      if (fresh) {
        uint32_t i = it->second;
        p.functions.push_back({i + 1u, str(name), str(name), 0, 0});
        p.lines.push_back({i, 1, 0});
        p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
      }
      stack.push_back(it->second);
    }
    p.add_sample(stack, {}, std::vector<int64_t>{samples, samples * kCpuPeriod});
  }
  return {{{"service_name", service}, {"source", "file"}},
          "process_cpu",
          {0, 10 * kSecond},
          std::make_shared<const profile::Profile>(std::move(p))};
}

}  // namespace watchfire::test
