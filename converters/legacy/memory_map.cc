#include "converters/legacy/memory_map.h"

#include "profile/regex.h"

namespace watchfire::converters {
namespace {

using profile::Regex;

constexpr size_t kMaxAttributes = 100;
constexpr size_t kMaxLine = 64 << 10;

#define WF_HEX_RANGE R"(^\s*(?:0x)?([[:xdigit:]]+)[\s-]?\s*(?:0x)?([[:xdigit:]]+):?)"
#define WF_PERMISSIONS R"((?:\s+([-rwxp]+))?)"

struct Patterns {
  Regex log_prefix = *Regex::compile(R"(^[^\[\]]+:[0-9]+]\s)");
  Regex proc = *Regex::compile(WF_HEX_RANGE WF_PERMISSIONS
                               R"((?:\s+([[:xdigit:]]+))?\s+[[:xdigit:]]+:[[:xdigit:]]+\s+[[:digit:]]+(?:\s+(\S+))?)");
  Regex brief = *Regex::compile(WF_HEX_RANGE WF_PERMISSIONS
                                R"((?:\s+(\S+))?(?:\s+\(@([[:xdigit:]]+)\))?(?:\s+([[:xdigit:]]+))?)");
};

#undef WF_HEX_RANGE
#undef WF_PERMISSIONS

const Patterns& patterns() {
  static const Patterns p;
  return p;
}

/// "$name" and what stands for it, in order of definition.
using Attributes = std::vector<std::pair<std::string, std::string>>;

std::string substituted(std::string_view line, const Attributes& attributes) {
  std::string out;
  for (size_t at = 0; at < line.size() && out.size() < kMaxLine;) {
    const auto* found = static_cast<const Attributes::value_type*>(nullptr);
    for (const auto& attribute : attributes) {
      if (line[at] == '$' && line.substr(at).starts_with(attribute.first)) {
        found = &attribute;
        break;
      }
    }
    if (found == nullptr) {
      out += line[at++];
      continue;
    }
    out += found->second;
    at += found->first.size();
  }
  return out;
}

enum class Entry { kMapping, kSkipped, kUnrecognized };

Entry parse_entry(std::string_view line, LegacyMapping& m) {
  std::string_view start, limit, permissions, offset;
  if (auto g = patterns().proc.groups(line); !g.empty()) {
    start = g[1], limit = g[2], permissions = g[3], offset = g[4];
    m.file = g[5];
  } else if (auto b = patterns().brief.groups(line); !b.empty()) {
    start = b[1], limit = b[2], permissions = b[3], offset = b[5];
    m.file = b[4];
    m.build_id = b[6];
  } else {
    return Entry::kUnrecognized;
  }
  if (!permissions.empty() && permissions.find('x') == std::string_view::npos) return Entry::kSkipped;
  bool ok = parse_go_uint(start, 16, m.start) && parse_go_uint(limit, 16, m.limit);
  if (!offset.empty()) ok = ok && parse_go_uint(offset, 16, m.offset);
  return ok ? Entry::kMapping : Entry::kUnrecognized;
}

}  // namespace

Result<std::vector<LegacyMapping>> parse_memory_map(std::string_view text, const DecodeLimits& limits) {
  std::vector<LegacyMapping> mappings;
  Attributes attributes;
  LineReader lines(text);
  while (lines.next()) {
    std::string_view raw = lines.line();
    if (auto prefix = patterns().log_prefix.groups(raw); !prefix.empty()) raw.remove_prefix(prefix[0].size());
    std::string line = substituted(raw, attributes);
    LegacyMapping m;
    switch (parse_entry(line, m)) {
      case Entry::kMapping:
        if (mappings.size() >= limits.mappings) return fail(limit_exceeded("mappings", limits.mappings, "mappings"));
        mappings.push_back(std::move(m));
        break;
      case Entry::kSkipped:
        break;
      case Entry::kUnrecognized:
        if (size_t equals = line.find('='); equals != std::string::npos && attributes.size() < kMaxAttributes) {
          std::string_view whole(line);
          attributes.emplace_back("$" + std::string(trim_space(whole.substr(0, equals))),
                                  std::string(trim_space(whole.substr(equals + 1))));
        }
        break;
    }
  }
  WF_TRY(lines.status());
  return mappings;
}

}  // namespace watchfire::converters
