#pragma once

#include <string_view>
#include <vector>

#include "converters/pprof/id_map.h"
#include "converters/pprof/limits.h"
#include "converters/pprof/wire.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// First pass over a profile.proto: everything but the samples, which it only counts. Strings stand at the end of
/// the wire, so names are kept as positions in the wire's string table and resolved when the pass is over.
class DictionaryDecoder {
 public:
  DictionaryDecoder(std::string_view message, const DecodeLimits& limits, DecodeStats& stats)
      : message_(message), limits_(limits), stats_(stats) {}

  Status run();

  profile::Profile& profile() { return profile_; }
  uint64_t sample_count() const { return samples_; }
  const IdMap& location_ids() const { return location_ids_; }
  /// The StringId of a position in the wire's string table; false when it lies outside.
  bool resolve(uint64_t wire_index, profile::StringId& id) const {
    if (wire_index >= wire_strings_.size()) return false;
    id = wire_strings_[wire_index];
    return true;
  }

 private:
  void reserve();
  Status read_field(const wire::Field& f);
  Status read_header_number(const wire::Field& f);
  Status read_value_type(const wire::Field& f, profile::ValueType& type);
  Status read_string(const wire::Field& f);
  Status read_mapping(const wire::Field& f);
  Status read_location(const wire::Field& f);
  Status read_line(const wire::Field& f);
  Status read_function(const wire::Field& f);
  Status read_comments(const wire::Field& f);

  Status resolve_strings();
  Status resolve_ids();
  Status resolve_locations();
  Status count(uint64_t have, uint64_t limit, std::string_view name);

  std::string_view message_;
  const DecodeLimits& limits_;
  DecodeStats& stats_;
  profile::Profile profile_;
  std::vector<profile::StringId> wire_strings_;
  std::vector<uint64_t> line_functions_;     ///< function id of each line
  std::vector<uint64_t> location_mappings_;  ///< mapping id of each location
  IdMap location_ids_;
  uint64_t samples_ = 0;
  uint64_t string_bytes_ = 0;
};

}  // namespace watchfire::converters
