#include "agent/compare/name_pattern.h"

#include <algorithm>

namespace watchfire::agent {
namespace {

struct Field {
  std::string_view name;
  std::string_view regex;
};

constexpr Field kFields[] = {
    {"impl", "(.+)"}, {"phase", "([^./]+)"}, {"kind", "([A-Za-z_][^./]*)"}, {"run", "([0-9]+)"}};

Error bad_pattern(std::string_view pattern, const std::string& why) {
  return Error(ErrorCode::kInvalidArgument, "pattern '" + std::string(pattern) + "': " + why)
      .hinted("write it like " + std::string(NamePattern::kDefault));
}

}  // namespace

Result<NamePattern> NamePattern::compile(std::string_view pattern) {
  std::string regex = "^(?s:";
  std::vector<std::string> fields;
  size_t open = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '{') {
      size_t end = pattern.find('}', i);
      std::string_view name = pattern.substr(i + 1, end == std::string_view::npos ? end : end - i - 1);
      const Field* field = std::ranges::find(kFields, name, &Field::name);
      if (end == std::string_view::npos || field == std::end(kFields))
        return fail(bad_pattern(pattern, "no field '" + std::string(name) + "'"));
      if (std::ranges::find(fields, name) != fields.end())
        return fail(bad_pattern(pattern, "{" + std::string(name) + "} is there twice"));
      fields.emplace_back(name);
      regex += field->regex;
      i = end;
    } else if (c == '[') {
      ++open;
      regex += "(?:";
    } else if (c == ']') {
      if (open-- == 0) return fail(bad_pattern(pattern, "']' without '['"));
      regex += ")?";
    } else {
      regex += c == '*' ? ".*" : profile::quoted_pattern(std::string_view(&c, 1));
    }
  }
  if (open != 0) return fail(bad_pattern(pattern, "'[' without ']'"));
  if (std::ranges::find(fields, "impl") == fields.end()) return fail(bad_pattern(pattern, "{impl} is missing"));
  WF_ASSIGN(profile::Regex compiled, profile::Regex::compile(regex + ")$"));
  return NamePattern(std::string(pattern), std::move(compiled), std::move(fields));
}

std::optional<ProfileName> NamePattern::read(std::string_view file_name) const {
  std::vector<std::string_view> groups = regex_.groups(file_name);
  if (groups.empty()) return std::nullopt;
  ProfileName name;
  for (size_t i = 0; i < fields_.size(); ++i) {
    std::string& field = fields_[i] == "impl"    ? name.implementation
                         : fields_[i] == "phase" ? name.phase
                         : fields_[i] == "kind"  ? name.kind
                                                 : name.run;
    field = groups[i + 1];
  }
  return name;
}

}  // namespace watchfire::agent
