#include "profile/short_names.h"

#include "profile/regex.h"

namespace watchfire::profile {
namespace {

struct Patterns {
  Regex go_version = *Regex::compile(R"(^(.*?)/v(?:[2-9]|[1-9][0-9]+)([./].*)$)");
  Regex go = *Regex::compile(R"(^(?:[\w\-\.]+\/)+([^.]+\..+))");
  Regex java = *Regex::compile(R"(^(?:[a-z]\w*\.)*([A-Z][\w\$]*\.(?:<init>|[a-z][\w\$]*(?:\$\d+)?))(?:(?:\()|$))");
  Regex cpp = *Regex::compile(R"(^(?:[_a-zA-Z]\w*::)+(_*[A-Z]\w*::~?[_a-zA-Z]\w*(?:<.*>)?))");
};

}  // namespace

std::string short_function_name(std::string_view full) {
  static const Patterns patterns;
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  std::string name(full.substr(full.starts_with(kAnonymous) ? kAnonymous.size() : 0));
  if (auto g = patterns.go_version.groups(name); !g.empty()) name = std::string(g[1]) + std::string(g[2]);
  for (const Regex* regex : {&patterns.go, &patterns.java, &patterns.cpp}) {
    if (auto g = regex->groups(name); !g.empty()) return std::string(g[1]);
  }
  return name;
}

}  // namespace watchfire::profile
