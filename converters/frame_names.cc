#include "converters/frame_names.h"

namespace watchfire::converters {

namespace {

constexpr size_t kMaxName = 4096;

/// Not longer than the bound, and without the part of a character at its end.
std::string_view cut(std::string_view name) {
  if (name.size() <= kMaxName) return name;
  size_t end = kMaxName;
  while (end > kMaxName - 4 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

}  // namespace

std::string frame_name(const profile::Profile& p, const profile::Location& l, const profile::Line* line) {
  if (line != nullptr && line->function != profile::kNone) {
    std::string_view name = p.text(p.functions[line->function].name);
    if (!name.empty()) return std::string(cut(name));
  }
  std::string_view file = l.mapping == profile::kNone ? "" : p.text(p.mappings[l.mapping].file);
  file = cut(file.substr(file.rfind('/') + 1));
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
