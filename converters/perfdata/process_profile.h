#pragma once

#include <vector>

#include "converters/perfdata/address_space.h"
#include "converters/perfdata/container.h"
#include "converters/perfdata/decode.h"
#include "converters/perfdata/sample.h"
#include "converters/profile_builder.h"

namespace watchfire::converters::perf {

/// Adds up samples of one process, or of all, into a profile. Stays where it is made: it refers to what it was given.
class ProcessProfile {
 public:
  ProcessProfile(const DecodeLimits& limits, const PerfDataOptions& options, PerfDataStats& stats)
      : limits_(limits), builder_(limits), options_(options), stats_(stats) {}

  /// Makes the sample types; before any sample.
  Status begin(const Container& container);
  Status add(const AddressSpaces& spaces, const Event& e, uint32_t event, const Sample& s, uint16_t misc,
             uint64_t time_ns);
  Status comment(std::string_view text) { return builder_.comment(text); }
  /// Rows since it was asked last.
  uint64_t take_new_rows();
  profile::Profile finish(const Container& container);

 private:
  Status build_stack(const AddressSpaces& spaces, const Sample& s, uint16_t misc);
  Status add_callchain(const AddressSpaces& spaces, const Sample& s);
  Status add_branches(const AddressSpaces& spaces, const Sample& s);
  /// Adds the location of an address; nothing when it is in no known mapping. Return addresses are those that must lie
  /// behind a mapping's first byte.
  std::string_view runtime_name(const AddressSpaces& spaces, uint32_t file, uint32_t pid, uint64_t address) const;
  Status add_frame(const AddressSpaces& spaces, uint32_t pid, uint64_t address, bool is_return);
  Result<uint32_t> mapping(const AddressSpaces& spaces, uint32_t file);
  Status build_labels(const AddressSpaces& spaces, const Sample& s);

  const DecodeLimits& limits_;
  ProfileBuilder builder_;
  const PerfDataOptions& options_;
  PerfDataStats& stats_;
  std::vector<uint32_t> stack_;
  std::vector<profile::Label> labels_;
  std::unordered_map<uint32_t, uint32_t> mapping_of_file_;
  uint64_t rows_told_ = 0;
  bool has_time_ = false;
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
};

}  // namespace watchfire::converters::perf
