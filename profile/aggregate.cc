#include "profile/aggregate.h"

#include <algorithm>

#include "profile/measurement.h"
#include "profile/pair_index.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

struct Kept {
  bool function = false;
  bool file = false;
  bool line = false;
  bool address = false;
};

Kept kept_by(Granularity g) {
  switch (g) {
    case Granularity::kFunctions:
      return {.function = true};
    case Granularity::kFileFunctions:
      return {.function = true, .file = true};
    case Granularity::kFiles:
      return {.file = true};
    case Granularity::kLines:
      return {.function = true, .file = true, .line = true};
    case Granularity::kAddresses:
      return {.function = true, .file = true, .line = true, .address = true};
  }
  return {};
}

/// Makes the frames of label values, one location for each (key, text).
class TagFrames {
 public:
  TagFrames(Profile& p, std::string_view unit) : p_(p), unit_(unit) {
    for (const Location& l : p.locations) next_location_id_ = std::max(next_location_id_, l.id + 1);
    for (const Function& f : p.functions) next_function_id_ = std::max(next_function_id_, f.id + 1);
  }

  /// Innermost first. Sets `matched` when a key has a value.
  std::vector<uint32_t> frames(uint32_t label_set, const std::vector<std::string>& keys, bool& matched) {
    std::vector<uint32_t> result;
    for (size_t i = keys.size(); i-- > 0;) {
      std::string text;
      bool any = values_text(label_set, keys[i], text);
      matched = matched || any;
      result.push_back(location_of(p_.strings.intern(text), p_.strings.intern(keys[i])));
    }
    return result;
  }

 private:
  bool values_text(uint32_t label_set, std::string_view key, std::string& text) const {
    bool any = false;
    auto labels = p_.label_sets[label_set];
    bool units = std::any_of(labels.begin(), labels.end(),
                             [&](const Label& l) { return l.is_number != 0 && l.unit != 0 && p_.text(l.key) == key; });
    for (uint32_t kind : {0u, 1u}) {
      for (const Label& l : labels) {
        if (l.is_number != kind || p_.text(l.key) != key) continue;
        if (any) text += ',';
        any = true;
        text += kind == 0 ? std::string(p_.text(l.str))
                          : scaled_label(l.num, units ? p_.text(l.unit) : "", units ? unit_ : "");
      }
    }
    return any;
  }

  uint32_t location_of(StringId name, StringId file) {
    uint32_t number = known_.intern(name, file);
    if (number < locations_.size()) return locations_[number];
    p_.functions.push_back({.id = next_function_id_++, .name = name, .file = file});
    p_.lines.push_back({.function = static_cast<uint32_t>(p_.functions.size() - 1)});
    Location l{.id = next_location_id_++, .line_count = 1};
    l.first_line = static_cast<uint32_t>(p_.lines.size() - 1);
    p_.locations.push_back(l);
    locations_.push_back(static_cast<uint32_t>(p_.locations.size() - 1));
    return locations_.back();
  }

  Profile& p_;
  std::string_view unit_;
  uint64_t next_location_id_ = 1;
  uint64_t next_function_id_ = 1;
  PairIndex known_;
  std::vector<uint32_t> locations_;
};

}  // namespace

void aggregate(Profile& p, Granularity granularity, bool no_inlines, bool show_columns) {
  if (granularity == Granularity::kAddresses && !no_inlines) return;
  Kept kept = kept_by(granularity);
  for (Mapping& m : p.mappings) {
    m.has_inline_frames = m.has_inline_frames && !no_inlines;
    m.has_functions = m.has_functions && kept.function;
    m.has_filenames = m.has_filenames && kept.file;
    m.has_line_numbers = m.has_line_numbers && kept.line;
  }
  for (Function& f : p.functions) {
    if (!kept.function) f.name = f.system_name = 0;
    if (!kept.file) f.file = 0;
  }
  for (Location& l : p.locations) {
    if (no_inlines && l.line_count > 1) {
      l.first_line += l.line_count - 1;
      l.line_count = 1;
    }
    if (!kept.address) l.address = 0;
  }
  for (Line& line : p.lines) {
    if (!kept.line) line.line = line.column = 0;
    if (!show_columns) line.column = 0;
  }
}

TagFrameMatches add_tag_frames(Profile& p, const std::vector<std::string>& root_keys,
                               const std::vector<std::string>& leaf_keys, std::string_view unit) {
  TagFrameMatches matches;
  if (root_keys.empty() && leaf_keys.empty()) return matches;
  struct Ends {
    std::vector<uint32_t> roots;
    std::vector<uint32_t> leaves;
  };
  TagFrames frames(p, unit);
  std::vector<Ends> ends(p.label_sets.size());
  std::vector<bool> known(p.label_sets.size(), false);
  SpanTable<uint32_t> stacks;
  PairIndex pairs;
  std::vector<uint32_t> new_stack_of_pair;
  std::vector<uint32_t> stack;
  for (size_t i = 0; i < p.sample_count(); ++i) {
    uint32_t set = p.sample_label_sets[i];
    if (!known[set]) {
      known[set] = true;
      ends[set].roots = frames.frames(set, root_keys, matches.root);
      ends[set].leaves = frames.frames(set, leaf_keys, matches.leaf);
    }
    uint32_t pair = pairs.intern(p.sample_stacks[i], set);
    if (pair == new_stack_of_pair.size()) {
      auto old = p.stacks[p.sample_stacks[i]];
      stack.assign(ends[set].leaves.begin(), ends[set].leaves.end());
      stack.insert(stack.end(), old.begin(), old.end());
      stack.insert(stack.end(), ends[set].roots.begin(), ends[set].roots.end());
      new_stack_of_pair.push_back(stacks.intern(stack));
    }
    p.sample_stacks[i] = new_stack_of_pair[pair];
  }
  p.stacks = std::move(stacks);
  return matches;
}

}  // namespace watchfire::profile
