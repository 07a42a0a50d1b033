#include "profile/tag_filter.h"

#include <charconv>
#include <optional>

#include "profile/measurement.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

/// A bound of a range as it was written: "-12kb".
struct Bound {
  int64_t number = 0;
  std::string_view unit;
  std::string_view text;  ///< all of it
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The first two signed numbers with their letters, wherever they stand in the text.
Result<std::vector<Bound>> find_bounds(std::string_view text) {
  std::vector<Bound> bounds;
  for (size_t at = 0; at < text.size() && bounds.size() < 2;) {
    size_t begin = at;
    if (text[at] == '+' || text[at] == '-') ++at;
    size_t digits = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == digits) {
      at = begin + 1;
      continue;
    }
    Bound b;
    size_t from = text[begin] == '+' ? begin + 1 : begin;
    if (std::from_chars(text.data() + from, text.data() + at, b.number).ec != std::errc()) {
      return fail(ErrorCode::kInvalidArgument, "number out of range: " + std::string(text.substr(begin, at - begin)));
    }
    size_t letters = at;
    while (at < text.size() && is_letter(text[at])) ++at;
    b.unit = text.substr(letters, at - letters);
    b.text = text.substr(begin, at - begin);
    bounds.push_back(b);
  }
  return bounds;
}

/// A range of numbers of one unit, each end possibly open.
struct Range {
  std::optional<double> low;
  std::optional<double> high;
  std::string unit;

  bool contains(int64_t value, std::string_view value_unit) const {
    Measurement m = scale(value, value_unit, unit);
    return m.unit == unit && (!low || m.value >= *low) && (!high || m.value <= *high);
  }
};

/// The text as a range; nothing when it is none and is to be read as regular expressions.
Result<std::optional<Range>> parse_range(std::string_view text) {
  WF_ASSIGN(std::vector<Bound> bounds, find_bounds(text));
  if (bounds.empty()) return std::nullopt;
  Measurement first = scale(bounds[0].number, bounds[0].unit, bounds[0].unit);
  std::string match(bounds[0].text);
  if (bounds.size() == 1) {
    if (text == match) return Range{first.value, first.value, first.unit};
    if (text == match + ":") return Range{first.value, std::nullopt, first.unit};
    if (text == ":" + match) return Range{std::nullopt, first.value, first.unit};
    return std::nullopt;
  }
  if (text != match + ":" + std::string(bounds[1].text)) return std::nullopt;
  Measurement second = scale(bounds[1].number, bounds[1].unit, first.unit);
  if (second.unit != first.unit) return std::nullopt;
  return Range{first.value, second.value, first.unit};
}

std::string unit_of(const LabelUnits& units, std::string_view key) {
  auto it = units.find(key);
  return it == units.end() ? std::string() : it->second;
}

/// Whether all patterns match some "key:value" of the labels.
bool all_match_some(const Profile& p, std::span<const Label> labels, const std::vector<Regex>& patterns) {
  for (const Regex& regex : patterns) {
    bool found = false;
    for (const Label& l : labels) {
      if (l.is_number != 0) continue;
      found = regex.matches(std::string(p.text(l.key)) + ":" + std::string(p.text(l.str)));
      if (found) break;
    }
    if (!found) return false;
  }
  return true;
}

/// Whether some pattern matches some value of the key.
bool some_value_matches(const Profile& p, std::span<const Label> labels, std::string_view key,
                        const std::vector<Regex>& patterns) {
  for (const Label& l : labels) {
    if (l.is_number != 0 || p.text(l.key) != key) continue;
    for (const Regex& regex : patterns) {
      if (regex.matches(p.text(l.str))) return true;
    }
  }
  return false;
}

/// The answer for each label set, asked for once.
template <typename Test>
class PerSet {
 public:
  PerSet(size_t sets, Test test) : test_(test), known_(sets, 0) {}
  bool operator()(uint32_t set) {
    if (known_[set] == 0) known_[set] = test_(set) ? 2 : 1;
    return known_[set] == 2;
  }

 private:
  Test test_;
  std::vector<char> known_;
};

}  // namespace

Result<TagFilter> TagFilter::compile(std::string_view option, std::string_view text, const LabelUnits& units,
                                     std::vector<std::string>& notes) {
  TagFilter filter;
  if (text.empty()) return filter;
  std::optional<std::string> key;
  if (size_t equals = text.find('='); equals != std::string_view::npos) {
    key = std::string(text.substr(0, equals));
    text.remove_prefix(equals + 1);
  }
  WF_ASSIGN(std::optional<Range> range, parse_range(text));
  if (range) {
    notes.push_back(std::string(option) + ":Interpreted '" + std::string(text) + "' as range, not regexp");
    filter.matches_ = [range = *range, key, units](const Profile& p, std::span<const Label> labels) {
      for (const Label& l : labels) {
        std::string_view own = p.text(l.key);
        if (l.is_number != 0 && (!key || *key == own) && range.contains(l.num, unit_of(units, own))) return true;
      }
      return false;
    };
    return filter;
  }
  std::vector<Regex> patterns;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    auto regex = Regex::compile(text.substr(at, end - at));
    if (!regex) {
      return fail(ErrorCode::kInvalidArgument, "parsing " + std::string(option) + " regexp: " + regex.error().message);
    }
    patterns.push_back(*std::move(regex));
    at = end + 1;
  }
  filter.matches_ = [patterns, key](const Profile& p, std::span<const Label> labels) {
    return key ? some_value_matches(p, labels, *key, patterns) : all_match_some(p, labels, patterns);
  };
  return filter;
}

TagMatches filter_samples_by_tag(Profile& p, const TagFilter& focus, const TagFilter& ignore) {
  TagMatches any;
  if (!focus.active() && !ignore.active()) return any;
  PerSet focused(p.label_sets.size(), [&](uint32_t s) { return !focus.active() || focus.matches(p, s); });
  PerSet ignored(p.label_sets.size(), [&](uint32_t s) { return ignore.active() && ignore.matches(p, s); });
  std::vector<bool> keep(p.sample_count());
  for (size_t i = 0; i < keep.size(); ++i) {
    uint32_t set = p.sample_label_sets[i];
    bool in = focused(set);
    bool out = ignored(set);
    any.focused = any.focused || in;
    any.ignored = any.ignored || out;
    keep[i] = in && !out;
  }
  keep_samples(p, keep);
  return any;
}

TagMatches filter_tags_by_name(Profile& p, const Regex* show, const Regex* hide) {
  TagMatches any;
  if (show == nullptr && hide == nullptr) return any;
  std::vector<bool> used(p.label_sets.size(), false);
  for (uint32_t set : p.sample_label_sets) used[set] = true;
  SpanTable<Label> sets;
  std::vector<uint32_t> replacement;
  for (uint32_t s = 0; s < p.label_sets.size(); ++s) {
    std::vector<Label> kept;
    for (const Label& l : used[s] ? p.label_sets[s] : std::span<const Label>()) {
      bool shown = show == nullptr || show->matches(p.text(l.key));
      bool hidden = hide != nullptr && hide->matches(p.text(l.key));
      any.focused = any.focused || shown;
      any.ignored = any.ignored || hidden;
      if (shown && !hidden) kept.push_back(l);
    }
    replacement.push_back(sets.intern(kept));
  }
  replace_label_sets(p, std::move(sets), replacement);
  return any;
}

}  // namespace watchfire::profile
