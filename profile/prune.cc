#include "profile/prune.h"

#include <algorithm>
#include <string>
#include <vector>

#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

/// "Is this function to be pruned", once per distinct name.
template <typename Test>
class NameTest {
 public:
  NameTest(const Profile& p, Test test) : profile_(p), test_(test), known_(p.strings.size(), 0) {}
  bool operator()(StringId name) {
    char& known = known_[name];
    if (known == 0) known = test_(simplified_name(profile_.text(name))) ? 2 : 1;
    return known == 2;
  }

 private:
  const Profile& profile_;
  Test test_;
  std::vector<char> known_;
};

/// Replaces each stack by the part of it from `first(stack)` on, towards the root.
template <typename First>
void cut_leaves(Profile& p, First first) {
  SpanTable<uint32_t> stacks;
  std::vector<uint32_t> replacement;
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    auto stack = p.stacks[s];
    replacement.push_back(stacks.intern(stack.subspan(first(stack))));
  }
  replace_stacks(p, std::move(stacks), replacement);
}

enum class Cut : char { kNothing, kBelow, kAlso };

/// Which locations are uninteresting wholly, or from an inlined line on; the latter lose those lines.
template <typename Test>
std::vector<Cut> mark_uninteresting(Profile& p, Test& test) {
  std::vector<Cut> cuts(p.locations.size(), Cut::kNothing);
  for (size_t i = 0; i < p.locations.size(); ++i) {
    Location& l = p.locations[i];
    auto lines = p.lines_of(l);
    for (uint32_t n = l.line_count; n-- > 0;) {
      StringId name = p.functions[lines[n].function].name;
      if (name == 0 || !test(name)) continue;
      cuts[i] = n + 1 == l.line_count ? Cut::kAlso : Cut::kBelow;
      if (cuts[i] == Cut::kBelow) {
        l.first_line += n + 1;
        l.line_count -= n + 1;
      }
      break;
    }
  }
  return cuts;
}

size_t first_interesting(std::span<const uint32_t> stack, const std::vector<Cut>& cuts) {
  bool found_user = false;
  for (size_t i = stack.size(); i-- > 0;) {
    Cut cut = cuts[stack[i]];
    if (cut == Cut::kNothing) {
      found_user = true;
    } else if (found_user) {
      return cut == Cut::kAlso ? i + 1 : i;
    }
  }
  return 0;
}

Result<Regex> compile_anchored(std::string_view pattern) {
  return Regex::compile("^(" + std::string(pattern) + ")$");
}

}  // namespace

std::string_view simplified_name(std::string_view name) {
  if (name.starts_with('.')) name.remove_prefix(1);
  constexpr std::string_view kReserved[] = {"(anonymous namespace)", "operator()"};
  for (size_t at = 0; at < name.size();) {
    size_t skip = 0;
    for (std::string_view reserved : kReserved) {
      if (name.substr(at).starts_with(reserved)) skip = reserved.size();
    }
    if (skip == 0 && name[at] == '(') return name.substr(0, at);
    at += std::max<size_t>(skip, 1);
  }
  return name;
}

void prune_uninteresting(Profile& p) {
  if (p.drop_frames == 0) return;
  auto drop = compile_anchored(p.text(p.drop_frames));
  if (!drop) return;
  auto keep = compile_anchored(p.text(p.keep_frames));
  if (!keep) return;
  bool has_keep = p.keep_frames != 0;
  NameTest test(p, [&](std::string_view name) { return drop->matches(name) && !(has_keep && keep->matches(name)); });
  std::vector<Cut> cuts = mark_uninteresting(p, test);
  cut_leaves(p, [&](std::span<const uint32_t> stack) { return first_interesting(stack, cuts); });
}

void prune_from(Profile& p, const Regex& regex) {
  NameTest test(p, [&](std::string_view name) { return regex.matches(name); });
  std::vector<bool> matched(p.locations.size(), false);
  for (size_t i = 0; i < p.locations.size(); ++i) {
    Location& l = p.locations[i];
    auto lines = p.lines_of(l);
    for (uint32_t n = 0; n < l.line_count; ++n) {
      StringId name = p.functions[lines[n].function].name;
      if (name == 0 || !test(name)) continue;
      matched[i] = true;
      l.first_line += n;
      l.line_count -= n;
      break;
    }
  }
  cut_leaves(p, [&](std::span<const uint32_t> stack) {
    auto it = std::find_if(stack.begin(), stack.end(), [&](uint32_t location) { return matched[location]; });
    return it == stack.end() ? 0 : static_cast<size_t>(it - stack.begin());
  });
}

}  // namespace watchfire::profile
