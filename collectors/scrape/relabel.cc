#include "collectors/scrape/relabel.h"

#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace watchfire::collectors {
namespace {

using Action = RelabelRule::Action;

struct ActionName {
  std::string_view name;
  Action action;
};
constexpr std::array kActions = {
    ActionName{"replace", Action::kReplace},     ActionName{"keep", Action::kKeep},
    ActionName{"drop", Action::kDrop},           ActionName{"keepequal", Action::kKeepEqual},
    ActionName{"dropequal", Action::kDropEqual}, ActionName{"hashmod", Action::kHashMod},
    ActionName{"labelmap", Action::kLabelMap},   ActionName{"labeldrop", Action::kLabelDrop},
    ActionName{"labelkeep", Action::kLabelKeep}, ActionName{"lowercase", Action::kLowercase},
    ActionName{"uppercase", Action::kUppercase},
};

constexpr int kMaxGroups = 16;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// One match of an anchored regular expression, by group number and name.
struct Match {
  std::array<re2::StringPiece, kMaxGroups> groups;
  const re2::RE2* regex = nullptr;

  bool run(const re2::RE2& re, std::string_view text) {
    regex = &re;
    int n = std::min(kMaxGroups, re.NumberOfCapturingGroups() + 1);
    return re.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::ANCHOR_BOTH, groups.data(),
                    n);
  }

  std::string group(std::string_view name) const {
    size_t index = kMaxGroups;
    if (!name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c); })) {
      if (name.size() < 3) index = static_cast<size_t>(std::atoi(std::string(name).c_str()));
    } else {
      auto it = regex->NamedCapturingGroups().find(std::string(name));
      if (it != regex->NamedCapturingGroups().end()) index = static_cast<size_t>(it->second);
    }
    return index < kMaxGroups ? std::string(groups[index].data() ? groups[index].data() : "", groups[index].size())
                              : std::string();
  }

  // Go's Regexp.Expand: $1, ${1}, $name, ${name}, $$; an unknown group is empty.
  std::string expand(std::string_view pattern) const {
    std::string out;
    for (size_t i = 0; i < pattern.size();) {
      if (pattern[i] != '$' || i + 1 >= pattern.size()) {
        out += pattern[i++];
        continue;
      }
      ++i;
      if (pattern[i] == '$') {
        out += '$';
        ++i;
        continue;
      }
      bool braced = pattern[i] == '{';
      size_t start = braced ? i + 1 : i, end = start;
      while (end < pattern.size() && (std::isalnum(static_cast<unsigned char>(pattern[end])) || pattern[end] == '_'))
        ++end;
      if (end == start || (braced && (end >= pattern.size() || pattern[end] != '}'))) {
        out += '$';
        continue;
      }
      out += group(pattern.substr(start, end - start));
      i = braced ? end + 1 : end;
    }
    return out;
  }
};

uint64_t md5_tail(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr);
  uint64_t value = 0;
  for (unsigned i = 8; i < 16; ++i) value = value << 8 | digest[i];
  return value;
}

std::string joined(const Labels& labels, const RelabelRule& rule) {
  std::string out;
  for (size_t i = 0; i < rule.source_labels.size(); ++i) {
    if (i > 0) out += rule.separator;
    out += label_or_empty(labels, rule.source_labels[i]);
  }
  return out;
}

void set_label(Labels& labels, const std::string& name, std::string value) {
  if (value.empty())
    labels.erase(name);
  else
    labels[name] = std::move(value);
}

// False when the target is dropped.
bool apply(Labels& labels, const RelabelRule& rule) {
  std::string value = joined(labels, rule);
  Match match;
  switch (rule.action) {
    case Action::kReplace: {
      if (!match.run(*rule.regex, value)) return true;
      std::string target = match.expand(rule.target_label);
      if (is_label_name(target)) set_label(labels, target, match.expand(rule.replacement));
      return true;
    }
    case Action::kKeep:
      return match.run(*rule.regex, value);
    case Action::kDrop:
      return !match.run(*rule.regex, value);
    case Action::kKeepEqual:
      return label_or_empty(labels, rule.target_label) == value;
    case Action::kDropEqual:
      return label_or_empty(labels, rule.target_label) != value;
    case Action::kHashMod:
      labels[rule.target_label] = std::to_string(md5_tail(value) % rule.modulus);
      return true;
    case Action::kLowercase:
      set_label(labels, rule.target_label, lower(value));
      return true;
    case Action::kUppercase:
      set_label(labels, rule.target_label, upper(value));
      return true;
    case Action::kLabelMap: {
      Labels mapped;
      for (const auto& [name, v] : labels)
        if (match.run(*rule.regex, name)) mapped[match.expand(rule.replacement)] = v;
      for (auto& [name, v] : mapped) set_label(labels, name, v);
      return true;
    }
    case Action::kLabelDrop:
    case Action::kLabelKeep: {
      bool drop = rule.action == Action::kLabelDrop;
      std::erase_if(labels, [&](const auto& label) { return match.run(*rule.regex, label.first) == drop; });
      return true;
    }
  }
  return true;
}

Status check(const RelabelRule& rule, const ConfigValue& value, const std::string& what) {
  auto error = [&](std::string message) { return fail(config_error(value, what + ": " + message)); };
  auto has = [&](std::string_view key) { return value.find(key) != nullptr; };
  switch (rule.action) {
    case Action::kReplace:
    case Action::kHashMod:
    case Action::kLowercase:
    case Action::kUppercase:
    case Action::kKeepEqual:
    case Action::kDropEqual:
      if (rule.target_label.empty()) return error("this action needs target_label");
      break;
    default:
      break;
  }
  bool literal_target = rule.target_label.find('$') == std::string::npos;
  if (!rule.target_label.empty() && (literal_target || rule.action != Action::kReplace) &&
      !is_label_name(rule.target_label))
    return error("'" + rule.target_label + "' is no label name");
  if (rule.action == Action::kHashMod && rule.modulus == 0) return error("hashmod needs a modulus above 0");
  if ((rule.action == Action::kKeepEqual || rule.action == Action::kDropEqual) &&
      (has("regex") || has("replacement") || has("modulus") || has("separator")))
    return error("keepequal and dropequal take only source_labels and target_label");
  if ((rule.action == Action::kLabelDrop || rule.action == Action::kLabelKeep) &&
      (has("source_labels") || has("target_label") || has("replacement") || has("modulus") || has("separator")))
    return error("labeldrop and labelkeep take only a regex");
  bool needs_regex =
      rule.action == Action::kLabelDrop || rule.action == Action::kLabelKeep || rule.action == Action::kLabelMap;
  if (needs_regex && has("regex") && rule.regex->pattern() == "(?s:)") return error("the regex must not be empty");
  return {};
}

}  // namespace

Result<RelabelRule> read_relabel_rule(const ConfigValue& value, const std::string& what) {
  RelabelRule rule;
  std::string action = "replace", regex = "(.*)";
  int64_t modulus = 0;
  ObjectReader r(value, what);
  r.text("action", action);
  r.texts("source_labels", rule.source_labels);
  r.text("separator", rule.separator);
  r.text("regex", regex);
  r.text("target_label", rule.target_label);
  r.text("replacement", rule.replacement);
  r.integer("modulus", modulus, 0, INT64_MAX);
  WF_TRY(r.finish());
  rule.modulus = static_cast<uint64_t>(modulus);
  auto known = std::ranges::find(kActions, lower(action), &ActionName::name);
  if (known == kActions.end()) {
    std::string all;
    for (const auto& a : kActions) all += (all.empty() ? "" : ", ") + std::string(a.name);
    return fail(config_error(value, what + ": unknown action '" + action + "'").hinted("one of " + all));
  }
  rule.action = known->action;
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<re2::RE2>("(?s:" + regex + ")", options);
  if (!compiled->ok())
    return fail(config_error(value, what + ": bad regular expression '" + regex + "': " + compiled->error()));
  rule.regex = std::move(compiled);
  WF_TRY(check(rule, value, what));
  return rule;
}

std::optional<Labels> relabel(Labels labels, const std::vector<RelabelRule>& rules) {
  for (const RelabelRule& rule : rules)
    if (!apply(labels, rule)) return std::nullopt;
  return labels;
}

}  // namespace watchfire::collectors
