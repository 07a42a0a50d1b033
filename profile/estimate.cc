#include "profile/estimate.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace watchfire::profile {
namespace {

/// The column that counts what the rows of `column` are made of: "samples" of "cpu", "alloc_objects" of "alloc_space",
/// "cycles_sample" of "cycles_event".
std::optional<size_t> count_column(const Profile& p, size_t column) {
  constexpr std::pair<std::string_view, std::string_view> kEndings[] = {{"space", "objects"}, {"_event", "_sample"}};
  std::string_view type = p.text(p.sample_types[column].type);
  std::string_view wanted = type == "delay" ? "contentions" : "samples";
  size_t prefix = 0;
  for (auto [ending, counts] : kEndings) {
    if (!type.ends_with(ending)) continue;
    wanted = counts;
    prefix = type.size() - ending.size();
  }
  for (size_t i = 0; i < p.sample_types.size(); ++i) {
    std::string_view name = p.text(p.sample_types[i].type);
    if (name.substr(0, prefix) == type.substr(0, prefix) && name.substr(prefix) == wanted) return i;
  }
  if (p.text(p.sample_types[column].unit) == "count") return column;
  return std::nullopt;
}

/// The column of bytes beside a column of objects, and the other way round.
std::optional<size_t> sibling(const Profile& p, size_t column, std::string_view ending, std::string_view other) {
  std::string_view type = p.text(p.sample_types[column].type);
  if (!type.ends_with(ending)) return std::nullopt;
  type.remove_suffix(ending.size());
  for (size_t i = 0; i < p.sample_types.size(); ++i) {
    std::string_view name = p.text(p.sample_types[i].type);
    if (name.starts_with(type) && name.substr(type.size()) == other) return i;
  }
  return std::nullopt;
}

Estimate evenly_weighted(double value, double samples) {
  samples = std::max(samples, value == 0 ? 0.0 : 1.0);
  return {value, samples > 0 ? value * value / samples : 0, samples};
}

/// A row of objects of one size, seen by a sampler that looks every `period` bytes.
Estimate by_size(double value, double objects, double bytes, double period) {
  if (objects <= 0 || bytes <= 0) return evenly_weighted(value, value == 0 ? 0 : 1);
  double seen = -std::expm1(-bytes / objects / period);
  double samples = std::max(objects * seen, 1.0);
  double weight = value / samples;
  return {value, samples * (1 - seen) * weight * weight, samples};
}

}  // namespace

std::vector<Estimate> sample_estimates(const Profile& p, size_t column) {
  std::vector<Estimate> out(p.sample_count());
  const std::vector<int64_t>& values = p.values[column];
  auto space = sibling(p, column, "objects", "space");
  auto objects = sibling(p, column, "space", "objects");
  bool by_bytes = p.period > 0 && p.text(p.period_type.unit) == "bytes" && (space || objects);
  std::optional<size_t> counts = count_column(p, column);
  bool in_periods = p.period > 0 && p.text(p.period_type.unit) == p.text(p.sample_types[column].unit);
  for (size_t i = 0; i < out.size(); ++i) {
    auto value = static_cast<double>(values[i]);
    if (by_bytes) {
      auto n = static_cast<double>(p.values[objects ? *objects : column][i]);
      auto bytes = static_cast<double>(p.values[space ? *space : column][i]);
      out[i] = by_size(value, n, bytes, static_cast<double>(p.period));
    } else if (counts) {
      out[i] = evenly_weighted(value, static_cast<double>(p.values[*counts][i]));
    } else {
      out[i] = evenly_weighted(value, in_periods ? value / static_cast<double>(p.period) : 1);
    }
  }
  return out;
}

}  // namespace watchfire::profile
