#pragma once

#include <map>
#include <string>
#include <string_view>

namespace watchfire {

/// Label name -> value, ordered by name. Values are bytes from outside: escape them on the way out.
using Labels = std::map<std::string, std::string, std::less<>>;

/// The value, or "" when the label is missing: the two mean the same everywhere in Watchfire.
inline std::string_view label_or_empty(const Labels& labels, std::string_view name) {
  auto it = labels.find(name);
  return it == labels.end() ? std::string_view() : std::string_view(it->second);
}

/// `{a="x",b="y"}` with quotes and backslashes escaped; the canonical form that identifies a series.
std::string labels_text(const Labels& labels);

/// [a-zA-Z_][a-zA-Z0-9_]*
bool is_label_name(std::string_view name);

}  // namespace watchfire
