#include "cli/limit_flags.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/go_flags.h"

namespace watchfire::cli {
namespace {

using converters::DecodeLimits;

struct LimitField {
  std::string_view name;
  uint64_t DecodeLimits::* field;
};
constexpr LimitField kFields[] = {
    {"compressed_bytes", &DecodeLimits::compressed_bytes},
    {"decompressed_bytes", &DecodeLimits::decompressed_bytes},
    {"inflate_ratio", &DecodeLimits::inflate_ratio},
    {"samples", &DecodeLimits::samples},
    {"locations", &DecodeLimits::locations},
    {"lines", &DecodeLimits::lines},
    {"functions", &DecodeLimits::functions},
    {"mappings", &DecodeLimits::mappings},
    {"strings", &DecodeLimits::strings},
    {"string_bytes", &DecodeLimits::string_bytes},
    {"frames", &DecodeLimits::frames},
    {"stack_depth", &DecodeLimits::stack_depth},
    {"labels", &DecodeLimits::labels},
    {"labels_per_sample", &DecodeLimits::labels_per_sample},
    {"values", &DecodeLimits::values},
    {"sample_types", &DecodeLimits::sample_types},
    {"comments", &DecodeLimits::comments},
};

std::string flag_name(std::string_view field) {
  std::string name = "limit-" + std::string(field);
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

bool read_size(std::string_view text, uint64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  constexpr std::pair<std::string_view, int> kUnits[] = {{"", 0}, {"kB", 10}, {"KB", 10}, {"MB", 20}, {"GB", 30}};
  for (const auto& [name, shift] : kUnits) {
    if (unit != name) continue;
    if (out > UINT64_MAX >> shift) return false;
    out <<= shift;
    return true;
  }
  return false;
}

}  // namespace

LimitFlags::LimitFlags() {
  for (const LimitField& f : kFields) values_[flag_name(f.name)];
}

void LimitFlags::add_to(GoFlags& flags) {
  for (auto& [name, value] : values_) flags.add(name, &value);
}

void LimitFlags::add_to(CLI::App& app) {
  for (auto& [name, value] : values_) app.add_option("--" + name, value)->group("");
}

Result<DecodeLimits> LimitFlags::limits() const {
  DecodeLimits limits = DecodeLimits::offline();
  for (const LimitField& f : kFields) {
    std::string name = flag_name(f.name);
    const std::string& value = values_.at(name);
    if (value.empty() || read_size(value, limits.*f.field)) continue;
    return fail(Error(ErrorCode::kInvalidArgument, "--" + name + ": '" + value + "' is neither a number nor a size")
                    .hinted("write 4000000 or 512MB"));
  }
  return limits;
}

std::string limits_help() {
  std::string out =
      "How much one profile may hold. A profile from outside could be made to exhaust memory, so decoding stops at\n"
      "these limits; the error names the flag that raises one. Values are counts, or sizes such as 512MB.\n\n";
  DecodeLimits limits = DecodeLimits::offline();
  for (const LimitField& f : kFields) {
    std::string name = "  --" + flag_name(f.name);
    name.resize(30, ' ');
    out += name + std::to_string(limits.*f.field) + "\n";
  }
  return out;
}

Error with_limit_flag(Error error) {
  constexpr std::string_view kBefore = "(limit ";
  size_t at = error.message.rfind(kBefore);
  if (error.code != ErrorCode::kResourceExhausted || at == std::string::npos) return error;
  std::string_view name = std::string_view(error.message).substr(at + kBefore.size());
  name = name.substr(0, name.find(')'));
  for (const LimitField& f : kFields)
    if (f.name == name)
      return std::move(error).hinted("if you trust the file, raise it with --" + flag_name(name) + "=N");
  return error;
}

}  // namespace watchfire::cli
