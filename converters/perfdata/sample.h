#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "converters/perfdata/container.h"

namespace watchfire::converters::perf {

/// What of a sample becomes part of a profile.
struct Sample {
  uint64_t ip = 0;
  uint32_t pid = 0;
  uint32_t tid = 0;
  uint64_t time_ns = 0;
  uint64_t period = 0;
  bool has_time = false;
  bool has_period = false;
  bool has_stack_dump = false;
  bool has_group_counts = false;
  std::vector<uint64_t> callchain;  ///< with markers
  std::vector<uint64_t> branches;   ///< where the last branches came from, the latest first
};

/// Reads a SAMPLE of this event; false when it is shorter than the event says. Reuses the vectors of `out`.
bool read_sample(const Event& e, std::string_view payload, Sample& out);

/// The id that tells a sample's event; false when its events have none.
bool read_sample_id(const Event& any, std::string_view payload, uint64_t& id);

/// The time of a record that is no sample, from what follows its fields; false when it has none.
bool read_trailing_time(const Event& any, std::string_view payload, uint64_t& time_ns);

}  // namespace watchfire::converters::perf
