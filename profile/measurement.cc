#include "profile/measurement.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

struct Unit {
  std::string_view name;
  std::array<std::string_view, 3> aliases;  ///< lower case, singular
  double factor;
};

constexpr Unit kByteUnits[] = {
    {"B", {"b", "byte", ""}, 1},
    {"kB", {"kb", "kbyte", "kilobyte"}, 1024.0},
    {"MB", {"mb", "mbyte", "megabyte"}, 1048576.0},
    {"GB", {"gb", "gbyte", "gigabyte"}, 1073741824.0},
    {"TB", {"tb", "tbyte", "terabyte"}, 1099511627776.0},
    {"PB", {"pb", "pbyte", "petabyte"}, 1125899906842624.0},
};
constexpr Unit kTimeUnits[] = {
    {"ns", {"ns", "nanosecond", ""}, 1},    {"us", {"\xce\xbcs", "us", "microsecond"}, 1e3},
    {"ms", {"ms", "millisecond", ""}, 1e6}, {"s", {"s", "sec", "second"}, 1e9},
    {"hrs", {"hour", "hr", ""}, 3.6e12},
};
constexpr Unit kGcuUnits[] = {
    {"n*GCU", {"nanogcu", "", ""}, 1e-9}, {"u*GCU", {"microgcu", "", ""}, 1e-6}, {"m*GCU", {"milligcu", "", ""}, 1e-3},
    {"GCU", {"gcu", "", ""}, 1},          {"k*GCU", {"kilogcu", "", ""}, 1e3},   {"M*GCU", {"megagcu", "", ""}, 1e6},
    {"G*GCU", {"gigagcu", "", ""}, 1e9},  {"T*GCU", {"teragcu", "", ""}, 1e12},  {"P*GCU", {"petagcu", "", ""}, 1e15},
};

struct UnitFamily {
  std::span<const Unit> units;
  std::string_view default_name;
  double default_factor;
};
constexpr UnitFamily kFamilies[] = {{kByteUnits, "B", 1}, {kTimeUnits, "s", 1e9}, {kGcuUnits, "GCU", 1}};

size_t characters(std::string_view text) {
  size_t n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

const Unit* find_unit(const UnitFamily& family, std::string_view text) {
  if (text.size() > 16) return nullptr;
  char lower[16];
  for (size_t i = 0; i < text.size(); ++i) lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i];
  std::string_view name(lower, text.size());
  if (characters(name) > 2 && name.ends_with('s')) name.remove_suffix(1);
  if (name.empty()) return nullptr;
  for (const Unit& u : family.units) {
    for (std::string_view alias : u.aliases) {
      if (alias == name) return &u;
    }
  }
  return nullptr;
}

Measurement auto_scale(const UnitFamily& family, double value) {
  const Unit* best = nullptr;
  for (const Unit& u : family.units) {
    if (u.factor >= (best != nullptr ? best->factor : 0) && value / u.factor >= 1.0) best = &u;
  }
  if (best == nullptr) return {value / family.default_factor, std::string(family.default_name)};
  return {value / best->factor, std::string(best->name)};
}

Measurement convert(const UnitFamily& family, double value, std::string_view to) {
  if (to == "minimum" || to == "auto") return auto_scale(family, value);
  if (const Unit* unit = find_unit(family, to)) return {value / unit->factor, std::string(unit->name)};
  return {value / family.default_factor, std::string(family.default_name)};
}

std::string formatted(const char* format, double value) {
  char text[400];
  int n = std::snprintf(text, sizeof text, format, value);
  return {text, static_cast<size_t>(n)};
}

}  // namespace

Measurement scale(int64_t value, std::string_view from, std::string_view to) {
  if (value < 0 && wrapping_abs(value) > 0) {
    Measurement m = scale(-value, from, to);
    m.value = -m.value;
    return m;
  }
  for (const UnitFamily& family : kFamilies) {
    if (const Unit* unit = find_unit(family, from))
      return convert(family, static_cast<double>(value) * unit->factor, to);
  }
  bool says_nothing = to == "count" || to == "sample" || to == "unit" || to == "minimum" || to == "auto";
  return {static_cast<double>(value), says_nothing ? std::string() : std::string(to)};
}

std::string scaled_label(int64_t value, std::string_view from, std::string_view to) {
  Measurement m = scale(value, from, to);
  std::string text = formatted("%.2f", m.value);
  if (text.ends_with(".00")) text.resize(text.size() - 3);
  if (text == "0" || text == "-0") return "0";
  return text + m.unit;
}

std::string measurement_label(int64_t value, std::string_view unit) {
  return scaled_label(value, unit, "auto");
}

std::string percentage(int64_t value, int64_t total) {
  double ratio = total != 0 ? std::fabs(static_cast<double>(value) / static_cast<double>(total)) * 100 : 0;
  if (ratio >= 99.95 && ratio <= 100.05) return "  100%";
  return formatted(ratio >= 1.0 ? "%5.2f%%" : "%5.2g%%", ratio);
}

bool same_unit_family(std::string_view a, std::string_view b) {
  for (const UnitFamily& family : kFamilies) {
    if (find_unit(family, a) != nullptr && find_unit(family, b) != nullptr) return true;
  }
  return false;
}

}  // namespace watchfire::profile
