#include "cli/go_flags.h"

#include <cerrno>
#include <cstdlib>

#include "cli/go_text.h"
#include "cli/suggest.h"

namespace watchfire::cli {
namespace {

Error bad_value(std::string_view kind, std::string_view name, std::string_view value) {
  return Error(ErrorCode::kInvalidArgument, "invalid " + std::string(kind) + "value \"" + std::string(value) +
                                                "\" for flag -" + std::string(name) + ": parse error");
}

}  // namespace

Error GoFlags::undefined(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& [known, target] : flags_) names.push_back("-" + std::string(known));
  std::string nearest = nearest_name(name, names);
  Error e(ErrorCode::kInvalidArgument, "flag provided but not defined: -" + std::string(name));
  return nearest.empty() ? e : std::move(e).hinted("did you mean " + nearest + "?");
}

Status GoFlags::set(const Target& t, std::string_view name, std::string_view value) {
  std::string text(value);
  char* end = nullptr;
  errno = 0;
  if (t.boolean != nullptr) {
    if (!go_parse_bool(value, *t.boolean)) return fail(bad_value("boolean ", name, value));
  } else if (t.integer != nullptr) {
    long number = std::strtol(text.c_str(), &end, 0);
    if (text.empty() || *end != '\0' || errno != 0 || number != static_cast<int>(number)) {
      return fail(bad_value("", name, value));
    }
    *t.integer = static_cast<int>(number);
  } else if (t.number != nullptr) {
    double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') return fail(bad_value("", name, value));
    *t.number = number;
  } else if (t.text != nullptr) {
    *t.text = std::move(text);
  } else {
    t.list->push_back(std::move(text));
  }
  return {};
}

Result<std::vector<std::string>> GoFlags::parse(std::span<const std::string_view> words) {
  size_t at = 0;
  while (at < words.size()) {
    std::string_view word = words[at];
    if (word.size() < 2 || word[0] != '-') break;
    ++at;
    if (word == "--") break;
    std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
    if (name.empty() || name[0] == '-' || name[0] == '=') {
      return fail(ErrorCode::kInvalidArgument, "bad flag syntax: " + std::string(word));
    }
    size_t equals = name.find('=');
    bool has_value = equals != std::string_view::npos;
    std::string_view value = has_value ? name.substr(equals + 1) : std::string_view();
    name = name.substr(0, equals);
    auto it = flags_.find(name);
    if (it == flags_.end()) {
      if (name == "h" || name == "help") return fail(ErrorCode::kCancelled, std::string(kHelpRequested));
      return fail(undefined(name));
    }
    if (!has_value) {
      if (it->second.boolean != nullptr) {
        value = "true";
      } else if (at < words.size()) {
        value = words[at++];
      } else {
        return fail(ErrorCode::kInvalidArgument, "flag needs an argument: -" + std::string(name));
      }
    }
    WF_TRY(set(it->second, name, value));
  }
  return std::vector<std::string>(words.begin() + static_cast<ptrdiff_t>(at), words.end());
}

}  // namespace watchfire::cli
