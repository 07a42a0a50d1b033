#pragma once

#include <cstdint>
#include <random>

#include "profile/profile.h"

namespace watchfire::testing {

/// What a random profile looks like; the defaults give a small one with every feature of the model.
struct RandomProfileShape {
  size_t sample_types = 2;
  size_t mappings = 3;
  size_t functions = 40;
  size_t locations = 60;
  size_t samples = 200;
  size_t max_depth = 12;
  size_t max_labels = 3;
  bool negative_values = false;
  bool unsymbolized = true;  ///< some locations without lines
};

/// A valid profile that depends on the seed and shape alone.
inline profile::Profile random_profile(uint64_t seed, const RandomProfileShape& shape = {}) {
  using namespace profile;
  std::mt19937_64 random(seed);
  auto below = [&](uint64_t n) { return n == 0 ? 0 : random() % n; };
  Profile p;
  auto name = [&](std::string prefix, uint64_t i) { return p.strings.intern(prefix + std::to_string(i)); };
  for (size_t t = 0; t < shape.sample_types; ++t) {
    p.sample_types.push_back({name("type", t), p.strings.intern(t % 2 == 0 ? "count" : "nanoseconds")});
  }
  p.values.resize(shape.sample_types);
  for (size_t i = 0; i < shape.mappings; ++i) {
    uint64_t start = 0x400000 + i * 0x100000;
    Mapping m{.id = i + 1, .start = start, .limit = start + 0x10000 * (i + 1), .file_offset = 0};
    m.file = name("/usr/bin/binary", i);
    if (i % 2 == 0) m.build_id = name("build", i);
    m.has_functions = i == 0;
    p.mappings.push_back(m);
  }
  for (size_t i = 0; i < shape.functions; ++i) {
    Function f{.id = i * 3 + 1, .name = name("pkg.function", i), .system_name = name("_Zfunction", i)};
    f.file = name("/src/file", i / 4);
    f.start_line = static_cast<int64_t>(below(100));
    p.functions.push_back(f);
  }
  for (size_t i = 0; i < shape.locations; ++i) {
    Location l{.id = i * 7 + 5, .address = 0x400000 + i * 16};
    if (shape.mappings != 0) l.mapping = static_cast<uint32_t>(below(shape.mappings));
    l.first_line = static_cast<uint32_t>(p.lines.size());
    l.line_count = static_cast<uint32_t>(below(3) + (shape.unsymbolized ? 0 : 1));
    for (uint32_t n = 0; n < l.line_count; ++n) {
      p.lines.push_back({static_cast<uint32_t>(below(shape.functions)), static_cast<int64_t>(below(500)),
                         static_cast<int64_t>(below(2) * below(80))});
    }
    l.is_folded = below(20) == 0;
    p.locations.push_back(l);
  }
  for (size_t i = 0; i < shape.samples; ++i) {
    std::vector<uint32_t> stack(below(shape.max_depth + 1));
    for (uint32_t& location : stack) location = static_cast<uint32_t>(below(shape.locations));
    std::vector<Label> labels(below(shape.max_labels + 1));
    for (Label& l : labels) {
      l.is_number = static_cast<uint32_t>(below(2));
      l.key = name(l.is_number != 0 ? "number" : "label", below(3));
      if (l.is_number == 0) {
        l.str = name("value", below(5));
      } else {
        l.num = static_cast<int64_t>(below(1000)) + 1;
        if (below(2) == 0) l.unit = p.strings.intern("bytes");
      }
    }
    std::vector<int64_t> values(shape.sample_types);
    for (int64_t& v : values) {
      v = static_cast<int64_t>(below(1000));
      if (shape.negative_values && below(2) == 0) v = -v;
    }
    p.add_sample(stack, labels, values);
  }
  p.time_ns = 1'700'000'000'000'000'000 + static_cast<int64_t>(below(1'000'000'000));
  p.duration_ns = 10'000'000'000;
  p.period_type = {p.strings.intern("cpu"), p.strings.intern("nanoseconds")};
  p.period = 10'000'000;
  p.comments = {p.strings.intern("a comment")};
  return p;
}

}  // namespace watchfire::testing
