#pragma once

#include "converters/pprof/limits.h"
#include "profile/profile.h"
#include "tests/fuzz/check.h"

namespace watchfire::fuzz {

/// Limits that inputs of a few KiB reach.
inline const converters::DecodeLimits& tight_limits() {
  static const converters::DecodeLimits kLimits = [] {
    converters::DecodeLimits l;
    l.compressed_bytes = 64 << 10;
    l.decompressed_bytes = 256 << 10;
    l.samples = 1000;
    l.locations = l.functions = l.strings = 1000;
    l.lines = l.frames = l.labels = l.values = 4000;
    l.mappings = l.comments = 100;
    l.string_bytes = 64 << 10;
    l.stack_depth = 64;
    l.labels_per_sample = 16;
    l.sample_types = 16;
    return l;
  }();
  return kLimits;
}

inline void check_within_limits(const profile::Profile& p) {
  const converters::DecodeLimits& l = tight_limits();
  check(profile::validate(p).has_value());
  check(p.sample_count() <= l.samples && p.locations.size() <= l.locations && p.mappings.size() <= l.mappings);
  check(p.functions.size() <= l.functions && p.lines.size() <= l.lines && p.comments.size() <= l.comments);
  check(p.sample_types.size() <= l.sample_types && p.stacks.element_count() <= l.frames);
}

}  // namespace watchfire::fuzz
