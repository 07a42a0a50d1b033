#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/keyed_hash.h"
#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// A line of /proc/PID/maps or of a list of libraries.
struct LegacyMapping {
  uint64_t start = 0;
  uint64_t limit = 0;
  uint64_t offset = 0;
  std::string file;
  std::string build_id;
};

/// What the parsers of the old formats collect before it is a Profile: stacks of addresses, then a memory map.
/// Locations are told apart by address. Adding beyond the limits fails.
class LegacyDraft {
 public:
  LegacyDraft(const DecodeLimits& limits, size_t value_count) : limits_(limits), value_count_(value_count) {}

  /// The location of an address.
  Result<uint32_t> location(uint64_t address);
  /// Starts a sample; add its frames with add_frame, leaf first.
  Status begin_sample(std::span<const int64_t> values);
  Status add_frame(uint64_t address);
  /// Gives the sample begun last the numeric label "bytes".
  void set_bytes_label(int64_t bytes) { samples_.back().bytes = bytes, samples_.back().has_bytes = true; }
  /// Gives it the label "thread". The text must outlive finish().
  void set_thread_label(std::string_view thread) { samples_.back().thread = thread; }

  size_t sample_count() const { return samples_.size(); }
  int64_t& value(size_t sample, size_t column) { return values_[sample * value_count_ + column]; }
  uint64_t address(uint32_t location) const { return locations_[location].address; }
  std::span<const uint32_t> stack(size_t sample) const {
    return {frames_.data() + samples_[sample].first_frame, samples_[sample].frame_count};
  }
  /// Takes the frame after the leaf out of a stack.
  void remove_second_frame(size_t sample);
  /// Removes leaves that stand twice, the second time as a return address.
  void remove_duplicate_leaves();

  /// Names the location of an address, if samples have it, and takes its address away.
  void name_location(uint64_t address, std::string_view function, std::string_view file, int64_t line);

  /// Reads the rest of the text as memory map, orders the mappings with the main binary first, numbers locations
  /// by first use, and gives each its mapping.
  Status apply_memory_map(std::string_view text);
  Status apply_mappings(std::vector<LegacyMapping> mappings);
  /// Forgets all addresses: they mean nothing in programs compiled as they run.
  void drop_addresses();

  /// The profile with these samples; types, period and times are the caller's to set.
  profile::Profile finish(std::span<const std::pair<std::string_view, std::string_view>> types);

 private:
  struct Sample {
    size_t first_frame = 0;
    size_t frame_count = 0;
    int64_t bytes = 0;
    bool has_bytes = false;
    std::string_view thread;  ///< "" for none
  };
  struct Place {
    uint64_t address = 0;
    uint32_t mapping = profile::kNone;
    uint32_t function = profile::kNone;
    int64_t line = 0;
  };
  struct NamedFunction {
    std::string name;
    std::string file;
  };

  void order_locations();
  void massage_mappings();
  Status assign_mappings();
  uint32_t mapping_of(uint64_t address, bool& needs_fake);

  DecodeLimits limits_;
  size_t value_count_;
  std::vector<Sample> samples_;
  std::vector<int64_t> values_;
  std::vector<uint32_t> frames_;
  std::vector<Place> locations_;
  std::unordered_map<uint64_t, uint32_t, KeyedHash> by_address_;
  std::vector<NamedFunction> functions_;
  std::unordered_map<std::string, uint32_t, KeyedHash> by_name_;
  std::vector<LegacyMapping> mappings_;
  std::vector<uint32_t> order_;  ///< locations by first use in samples
};

}  // namespace watchfire::converters
