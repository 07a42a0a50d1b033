#pragma once

#include <string_view>
#include <vector>

#include "converters/pprof/decode.h"
#include "converters/pprof/id_map.h"
#include "converters/pprof/wire.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Everything of a profile.proto but its samples, field by field. Strings stand at the end of the wire, so names are
/// kept as positions in the wire's string table and resolved when all is read.
class DictionaryDecoder {
 public:
  /// `message_bytes` is about how long the message is, 0 if unknown; it only saves growing.
  DictionaryDecoder(const DecodeLimits& limits, DecodeStats& stats, Tables tables, size_t message_bytes);

  /// One field of the message, not a sample.
  Status read(const wire::Field& f);
  /// Resolves names and ids.
  Status finish();

  profile::Profile& profile() { return profile_; }
  /// After finish().
  const IdMap& location_ids() const { return location_ids_; }
  /// The StringId of a position in the wire's string table; false when it lies outside.
  bool resolve(uint64_t wire_index, profile::StringId& id) const {
    if (wire_index >= wire_strings_.size()) return false;
    id = wire_strings_[wire_index];
    return true;
  }

 private:
  Status read_header_number(const wire::Field& f);
  Status read_value_type(const wire::Field& f, profile::ValueType& type);
  Status read_string(const wire::Field& f);
  Status read_mapping(const wire::Field& f);
  bool read_usual_location(const wire::Field& f);
  bool read_usual_function(const wire::Field& f);
  Status read_location(const wire::Field& f);
  Status read_line(const wire::Field& f);
  Status read_function(const wire::Field& f);
  Status read_comments(const wire::Field& f);

  Status resolve_strings();
  Status resolve_ids();
  Status resolve_locations();
  /// One more element of a kind of which there are `have`.
  Status count(uint64_t have, uint64_t limit, std::string_view name) {
    ++stats_.elements;
    if (have < limit) [[likely]]
      return {};
    return fail(limit_exceeded(name, limit, name));
  }

  const DecodeLimits& limits_;
  DecodeStats& stats_;
  Tables tables_;
  profile::Profile profile_;
  std::vector<profile::StringId> wire_strings_;
  std::vector<uint64_t> line_functions_;     ///< function id of each line
  std::vector<uint64_t> location_mappings_;  ///< mapping id of each location
  IdMap location_ids_;
  uint64_t string_bytes_ = 0;
};

}  // namespace watchfire::converters
