#pragma once

#include <span>
#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/pair_index.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Makes a Profile element by element, within limits: what exceeds one is an error before memory is spent on it.
/// Equal strings, mappings, functions, locations and samples are one. Sample types may be added at any time.
/// For formats that state frames by name or address; not thread-safe.
class ProfileBuilder {
 public:
  explicit ProfileBuilder(const DecodeLimits& limits) : limits_(limits) {}

  Result<profile::StringId> text(std::string_view text);
  /// The column of a new sample type.
  Result<uint32_t> add_sample_type(std::string_view type, std::string_view unit);
  /// The index of this mapping; its id is given by the builder.
  Result<uint32_t> mapping(profile::Mapping m);
  Result<uint32_t> function(std::string_view name, std::string_view file = {});
  /// `lines`: the innermost inlined function first.
  Result<uint32_t> location(uint32_t mapping, uint64_t address, std::span<const profile::Line> lines);
  /// A location that is a function's name and no more.
  Result<uint32_t> named_location(std::string_view name);
  /// The row of (stack, labels), leaf first; a new one has zero in all columns.
  Result<uint32_t> sample(std::span<const uint32_t> stack, std::span<const profile::Label> labels);
  /// Adds to a row's value; a sum too large for it stays at the largest.
  void add(uint32_t row, uint32_t column, int64_t value);
  /// A remark on the profile, kept as comment.
  Status comment(std::string_view text);

  /// For what has no rules of its own here: times, period, flags of mappings.
  profile::Profile& profile() { return profile_; }
  profile::Profile finish() { return std::move(profile_); }

 private:
  Status check(uint64_t have, uint64_t limit, std::string_view name) const {
    return have < limit ? Status{} : Status(fail(limit_exceeded(name, limit, name)));
  }

  DecodeLimits limits_;
  profile::Profile profile_;
  uint64_t string_bytes_ = 0;
  // What tells elements apart, as words; an element's index is the key's id less 1.
  profile::SpanTable<uint64_t> mapping_keys_;
  profile::SpanTable<uint64_t> function_keys_;
  profile::SpanTable<uint64_t> location_keys_;
  profile::PairIndex rows_;
  std::vector<uint64_t> key_;
};

}  // namespace watchfire::converters
