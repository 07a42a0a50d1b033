#include "profile/filter.h"

#include <optional>
#include <set>

#include "profile/prune.h"
#include "profile/regex.h"
#include "profile/sample_edit.h"
#include "profile/tag_filter.h"

namespace watchfire::profile {
namespace {

using MaybeRegex = std::optional<Regex>;

Status compile_option(std::string_view name, const std::string& pattern, MaybeRegex& out) {
  if (pattern.empty()) return {};
  auto regex = Regex::compile(pattern);
  if (!regex)
    return fail(ErrorCode::kInvalidArgument, "parsing " + std::string(name) + " regexp: " + regex.error().message);
  out = *std::move(regex);
  return {};
}

/// Matches locations by the names and files of their functions, and by their binary.
class LocationMatcher {
 public:
  LocationMatcher(const Profile& p, const Regex& regex) : p_(p), strings_(p, regex) {}

  bool line_matches(const Line& line) {
    const Function& f = p_.functions[line.function];
    return strings_.matches(f.name) || strings_.matches(f.file);
  }
  bool mapping_matches(const Location& l) {
    return l.mapping != kNone && strings_.matches(p_.mappings[l.mapping].file);
  }
  bool matches(const Location& l) {
    for (const Line& line : p_.lines_of(l)) {
      if (line_matches(line)) return true;
    }
    return mapping_matches(l);
  }

 private:
  const Profile& p_;
  StringMatcher strings_;
};

/// Leaves in a location the lines for which `keep` is true.
template <typename Keep>
void keep_lines(Profile& p, Location& l, Keep keep) {
  std::vector<Line> kept;
  for (const Line& line : p.lines_of(l)) {
    if (keep(line)) kept.push_back(line);
  }
  if (kept.size() == l.line_count) return;
  l.first_line = static_cast<uint32_t>(p.lines.size());
  l.line_count = static_cast<uint32_t>(kept.size());
  p.lines.insert(p.lines.end(), kept.begin(), kept.end());
}

enum class Focus : char { kNeutral, kFocused, kIgnored };

/// focus, ignore, hide and show.
class NameFilter {
 public:
  NameFilter(Profile& p, const MaybeRegex& focus, const MaybeRegex& ignore, const MaybeRegex& hide,
             const MaybeRegex& show)
      : p_(p), focus_(p.locations.size(), Focus::kNeutral), hidden_(p.locations.size(), false) {
    if (focus) focus_matcher_.emplace(p, *focus);
    if (ignore) ignore_matcher_.emplace(p, *ignore);
    if (hide) hide_matcher_.emplace(p, *hide);
    if (show) show_matcher_.emplace(p, *show);
  }

  void run() {
    for (size_t i = 0; i < p_.locations.size(); ++i) {
      Location& l = p_.locations[i];
      mark_focus(l, focus_[i]);
      if (hide_matcher_ && hide_matcher_->matches(l)) hide_lines(i, l);
      if (show_matcher_) show_lines(i, l);
    }
    rewrite_stacks();
  }

  bool focused_any = false;
  bool ignored_any = false;
  bool hid_any = false;
  bool showed_any = false;

 private:
  void mark_focus(const Location& l, Focus& mark) {
    if (ignore_matcher_ && ignore_matcher_->matches(l)) {
      ignored_any = true;
      mark = Focus::kIgnored;
    } else if (!focus_matcher_ || focus_matcher_->matches(l)) {
      focused_any = true;
      mark = Focus::kFocused;
    }
  }

  void hide_lines(size_t index, Location& l) {
    hid_any = true;
    bool all = hide_matcher_->mapping_matches(l);
    keep_lines(p_, l, [&](const Line& line) { return !all && !hide_matcher_->line_matches(line); });
    if (l.line_count == 0) hidden_[index] = true;
  }

  void show_lines(size_t index, Location& l) {
    if (!show_matcher_->mapping_matches(l)) {
      keep_lines(p_, l, [&](const Line& line) { return show_matcher_->line_matches(line); });
    }
    if (l.line_count == 0) {
      hidden_[index] = true;
    } else {
      showed_any = true;
    }
  }

  bool selected(std::span<const uint32_t> stack) const {
    bool focused = false;
    for (uint32_t location : stack) {
      if (focus_[location] == Focus::kIgnored) return false;
      focused = focused || focus_[location] == Focus::kFocused;
    }
    return focused;
  }

  void rewrite_stacks() {
    SpanTable<uint32_t> stacks;
    std::vector<uint32_t> replacement;
    std::vector<uint32_t> shown;
    for (uint32_t s = 0; s < p_.stacks.size(); ++s) {
      auto stack = p_.stacks[s];
      shown.clear();
      if (selected(stack)) {
        for (uint32_t location : stack) {
          if (!hidden_[location]) shown.push_back(location);
        }
      }
      replacement.push_back(shown.empty() ? kNone : stacks.intern(shown));
    }
    replace_stacks(p_, std::move(stacks), replacement);
  }

  Profile& p_;
  std::vector<Focus> focus_;
  std::vector<bool> hidden_;
  std::optional<LocationMatcher> focus_matcher_;
  std::optional<LocationMatcher> ignore_matcher_;
  std::optional<LocationMatcher> hide_matcher_;
  std::optional<LocationMatcher> show_matcher_;
};

/// Keeps of each stack the part from the leaf to the rootmost match. Tells whether anything matched.
bool apply_show_from(Profile& p, const Regex& regex) {
  LocationMatcher matcher(p, regex);
  std::vector<bool> shown(p.locations.size(), false);
  bool any = false;
  for (size_t i = 0; i < p.locations.size(); ++i) {
    Location& l = p.locations[i];
    if (matcher.mapping_matches(l)) {
      shown[i] = true;
    } else {
      auto lines = p.lines_of(l);
      for (uint32_t n = l.line_count; n-- > 0 && !shown[i];) {
        if (!matcher.line_matches(lines[n])) continue;
        shown[i] = true;
        l.line_count = n + 1;
      }
    }
    any = any || shown[i];
  }
  SpanTable<uint32_t> stacks;
  std::vector<uint32_t> replacement;
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    auto stack = p.stacks[s];
    size_t n = stack.size();
    while (n > 0 && !shown[stack[n - 1]]) --n;
    replacement.push_back(n == 0 ? kNone : stacks.intern(stack.first(n)));
  }
  replace_stacks(p, std::move(stacks), replacement);
  return any;
}

void note_unless(bool matched, std::string_view option, std::vector<std::string>& notes) {
  if (!matched) notes.push_back(std::string(option) + " expression matched no samples");
}

void apply_name_filters(Profile& p, const MaybeRegex& focus, const MaybeRegex& ignore, const MaybeRegex& hide,
                        const MaybeRegex& show, std::vector<std::string>& notes) {
  if (!focus && !ignore && !hide && !show) return;
  NameFilter filter(p, focus, ignore, hide, show);
  filter.run();
  note_unless(!focus || filter.focused_any, "Focus", notes);
  note_unless(!ignore || filter.ignored_any, "Ignore", notes);
  note_unless(!hide || filter.hid_any, "Hide", notes);
  note_unless(!show || filter.showed_any, "Show", notes);
}

}  // namespace

LabelUnits label_units(const Profile& p, std::vector<std::string>& notes) {
  LabelUnits units;
  std::map<std::string, std::set<std::string>> others;
  std::vector<bool> seen(p.label_sets.size(), false);
  for (uint32_t set : p.sample_label_sets) {
    if (seen[set]) continue;
    seen[set] = true;
    for (const Label& l : p.label_sets[set]) {
      if (l.is_number == 0) continue;
      std::string& unit = units[std::string(p.text(l.key))];
      std::string_view own = p.text(l.unit);
      if (own.empty() || own == unit) continue;
      if (unit.empty()) {
        unit = own;
      } else {
        others[std::string(p.text(l.key))].emplace(own);
      }
    }
  }
  for (auto& [key, unit] : units) {
    if (unit.empty()) unit = key == "alignment" || key == "request" ? "bytes" : key;
  }
  for (const auto& [key, rest] : others) {
    std::string list;
    for (const std::string& unit : rest) list += (list.empty() ? "" : ", ") + unit;
    notes.push_back("For tag " + key + " used unit " + units[key] + ", also encountered unit(s) " + list);
  }
  return units;
}

Status apply_filters(Profile& p, const Filters& f, const LabelUnits& units, std::vector<std::string>& notes) {
  MaybeRegex focus, ignore, hide, show, show_from, prune, tagshow, taghide;
  WF_TRY(compile_option("focus", f.focus, focus));
  WF_TRY(compile_option("ignore", f.ignore, ignore));
  WF_TRY(compile_option("hide", f.hide, hide));
  WF_TRY(compile_option("show", f.show, show));
  WF_TRY(compile_option("show_from", f.show_from, show_from));
  WF_ASSIGN(TagFilter tagfocus, TagFilter::compile("tagfocus", f.tagfocus, units, notes));
  WF_ASSIGN(TagFilter tagignore, TagFilter::compile("tagignore", f.tagignore, units, notes));
  WF_TRY(compile_option("prune_from", f.prune_from, prune));
  WF_TRY(compile_option("tagshow", f.tagshow, tagshow));
  WF_TRY(compile_option("taghide", f.taghide, taghide));

  apply_name_filters(p, focus, ignore, hide, show, notes);
  if (show_from) note_unless(apply_show_from(p, *show_from), "ShowFrom", notes);
  TagMatches tags = filter_samples_by_tag(p, tagfocus, tagignore);
  note_unless(f.tagfocus.empty() || tags.focused, "TagFocus", notes);
  note_unless(f.tagignore.empty() || tags.ignored, "TagIgnore", notes);
  TagMatches names = filter_tags_by_name(p, tagshow ? &*tagshow : nullptr, taghide ? &*taghide : nullptr);
  note_unless(f.tagshow.empty() || names.focused, "TagShow", notes);
  note_unless(f.taghide.empty() || names.ignored, "TagHide", notes);
  if (prune) prune_from(p, *prune);
  return {};
}

}  // namespace watchfire::profile
