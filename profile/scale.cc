#include "profile/scale.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "profile/measurement.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

std::string type_text(const Profile& p, const ValueType& t) {
  return std::string(p.text(t.type)) + "/" + std::string(p.text(t.unit));
}

/// "one has [samples cpu], another [alloc_space]", of the first two that differ.
std::string differing_types(std::span<Profile* const> profiles) {
  auto types = [](const Profile& p) {
    std::string out;
    for (const ValueType& t : p.sample_types) out += (out.empty() ? "" : " ") + std::string(p.text(t.type));
    return "[" + out + "]";
  };
  std::string first = types(*profiles[0]);
  for (const Profile* p : profiles)
    if (std::string other = types(*p); other != first) return "one has " + first + ", another " + other;
  return "";
}

std::string_view without_plural(std::string_view type) {
  if (type.ends_with('s')) type.remove_suffix(1);
  return type;
}

/// The finest unit of one type over all profiles; `type_of` picks the type from a profile.
template <typename TypeOf>
Result<std::string> finest_unit(std::span<Profile* const> profiles, TypeOf type_of) {
  const Profile* first = profiles[0];
  ValueType finest = type_of(*first);
  std::string type(first->text(finest.type));
  std::string unit(first->text(finest.unit));
  for (const Profile* p : profiles.subspan(1)) {
    ValueType t = type_of(*p);
    std::string_view other = p->text(t.unit);
    bool compatible =
        without_plural(type) == without_plural(p->text(t.type)) && (unit == other || same_unit_family(unit, other));
    if (!compatible) {
      return fail(ErrorCode::kInvalidArgument, "incompatible types: " + type + "/" + unit + " " + type_text(*p, t));
    }
    if (scale(1, other, unit).value < 1) {
      type = p->text(t.type);
      unit = other;
    }
  }
  return unit;
}

Status reorder_types(Profile& p, std::span<const std::string> types) {
  StringId default_type = p.strings.intern(types[0]);
  std::vector<size_t> from;
  bool same = types.size() == p.sample_types.size();
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] == p.text(p.default_sample_type)) default_type = p.default_sample_type;
    auto it = std::find_if(p.sample_types.begin(), p.sample_types.end(),
                           [&](const ValueType& t) { return p.text(t.type) == types[i]; });
    if (it == p.sample_types.end()) {
      return fail(ErrorCode::kInvalidArgument, "\"" + types[i] + "\" sample type is not found in profile");
    }
    from.push_back(static_cast<size_t>(it - p.sample_types.begin()));
    same = same && from.back() == i;
  }
  if (same) return {};
  p.default_sample_type = default_type;
  std::vector<ValueType> new_types;
  std::vector<std::vector<int64_t>> columns;
  for (size_t index : from) {
    new_types.push_back(p.sample_types[index]);
    columns.push_back(p.values[index]);
  }
  p.sample_types = std::move(new_types);
  p.values = std::move(columns);
  return {};
}

int64_t column_sum(const std::vector<int64_t>& column) {
  int64_t sum = 0;
  for (int64_t v : column) sum = wrapping_add(sum, v);
  return sum;
}

}  // namespace

void scale_values(Profile& p, std::span<const double> ratios) {
  if (std::all_of(ratios.begin(), ratios.end(), [](double r) { return r == 1; })) return;
  std::vector<bool> keep(p.sample_count(), false);
  for (size_t t = 0; t < p.values.size(); ++t) {
    if (ratios[t] == 1) continue;
    for (size_t i = 0; i < keep.size(); ++i) {
      int64_t& v = p.values[t][i];
      v = truncated(std::round(static_cast<double>(v) * ratios[t]));
      if (v != 0) keep[i] = true;
    }
  }
  keep_samples(p, keep);
}

void scale_values(Profile& p, double ratio) {
  scale_values(p, std::vector<double>(p.sample_types.size(), ratio));
}

Status normalize(Profile& p, const Profile& base) {
  if (p.sample_types.size() != base.sample_types.size()) {
    return fail(ErrorCode::kInvalidArgument, "incompatible sample types: the base profile has other ones");
  }
  std::vector<double> ratios;
  for (size_t t = 0; t < p.sample_types.size(); ++t) {
    if (type_text(p, p.sample_types[t]) != type_text(base, base.sample_types[t])) {
      return fail(ErrorCode::kInvalidArgument, "incompatible sample types " + type_text(p, p.sample_types[t]) +
                                                   " and " + type_text(base, base.sample_types[t]));
    }
    int64_t own = column_sum(p.values[t]);
    int64_t wanted = column_sum(base.values[t]);
    ratios.push_back(own == 0 ? 0.0 : static_cast<double>(wanted) / static_cast<double>(own));
  }
  scale_values(p, ratios);
  return {};
}

Status keep_common_sample_types(std::span<Profile* const> profiles) {
  if (profiles.empty()) return {};
  std::map<std::string_view, size_t> counts;
  for (const Profile* p : profiles) {
    for (const ValueType& t : p->sample_types) ++counts[p->text(t.type)];
  }
  std::vector<std::string> common;
  for (const ValueType& t : profiles[0]->sample_types) {
    std::string_view type = profiles[0]->text(t.type);
    if (counts[type] == profiles.size()) common.emplace_back(type);
  }
  if (common.empty())
    return fail(Error(ErrorCode::kInvalidArgument, "profiles have empty common sample type list")
                    .hinted(differing_types(profiles)));
  for (Profile* p : profiles) WF_TRY(reorder_types(*p, common));
  return {};
}

Status harmonize_units(std::span<Profile* const> profiles) {
  if (profiles.size() <= 1) return {};
  auto period_unit = finest_unit(profiles, [](const Profile& p) { return p.period_type; });
  if (!period_unit) return fail(period_unit.error().with("period type"));
  size_t types = profiles[0]->sample_types.size();
  std::vector<std::string> units;
  for (size_t t = 0; t < types; ++t) {
    auto unit = finest_unit(profiles, [t](const Profile& p) { return p.sample_types[t]; });
    if (!unit) return fail(unit.error().with("sample types"));
    units.push_back(*std::move(unit));
  }
  for (Profile* p : profiles) {
    p->period = truncated(scale(p->period, p->text(p->period_type.unit), *period_unit).value);
    p->period_type.unit = p->strings.intern(*period_unit);
    std::vector<double> ratios;
    for (size_t t = 0; t < types; ++t) {
      ratios.push_back(scale(1, p->text(p->sample_types[t].unit), units[t]).value);
      p->sample_types[t].unit = p->strings.intern(units[t]);
    }
    scale_values(*p, ratios);
  }
  return {};
}

}  // namespace watchfire::profile
