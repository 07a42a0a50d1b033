#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace watchfire::profile {

/// A value in a unit people read: 1.5 "kB".
struct Measurement {
  double value = 0;
  std::string unit;
};

/// Converts between the units of one family (bytes, time, GCU). `to` may be "auto" or "minimum": the largest unit
/// that leaves at least 1. A `to` of another family gives the family's default unit; an unknown `from` leaves the
/// value as it is, with `to` as its unit unless that says nothing ("count", "sample", "unit", "minimum", "auto").
Measurement scale(int64_t value, std::string_view from, std::string_view to);

/// "1.50kB", "2s", "0": the value of `from` in `to`, with at most two decimals.
std::string scaled_label(int64_t value, std::string_view from, std::string_view to);

/// As scaled_label with "auto".
std::string measurement_label(int64_t value, std::string_view unit);

/// |value/total| as " 5.23%", "  100%", "    0%": at least six wide.
std::string percentage(int64_t value, int64_t total);

/// Whether the two units belong to one family, so that scale() converts between them.
bool same_unit_family(std::string_view a, std::string_view b);

}  // namespace watchfire::profile
