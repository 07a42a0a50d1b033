#include "converters/frame_names.h"

namespace watchfire::converters {

std::string frame_name(const profile::Profile& p, const profile::Location& l, const profile::Line* line) {
  if (line != nullptr && line->function != profile::kNone) {
    std::string_view name = p.text(p.functions[line->function].name);
    if (!name.empty()) return std::string(name);
  }
  std::string_view file = l.mapping == profile::kNone ? "" : p.text(p.mappings[l.mapping].file);
  file = file.substr(file.rfind('/') + 1);
  return file.empty() ? "[unknown]" : file.starts_with('[') ? std::string(file) : "[" + std::string(file) + "]";
}

std::vector<std::string> stack_names(const profile::Profile& p, std::span<const uint32_t> stack, size_t max_depth) {
  std::vector<std::string> names;
  for (size_t i = stack.size(); i-- > 0 && names.size() < max_depth;) {
    const profile::Location& l = p.locations[stack[i]];
    auto lines = p.lines_of(l);
    if (lines.empty()) names.push_back(frame_name(p, l, nullptr));
    for (size_t k = lines.size(); k-- > 0;) names.push_back(frame_name(p, l, &lines[k]));
  }
  return names;
}

}  // namespace watchfire::converters
