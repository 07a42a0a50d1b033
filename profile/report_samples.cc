#include <algorithm>
#include <map>

#include "profile/label_texts.h"
#include "profile/measurement.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/sorted_labels.h"
#include "profile/tab_columns.h"
#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

constexpr std::string_view kMargin = "          ";  // as wide as a value
constexpr std::string_view kSeparator = "-----------+-------------------------------------------------------\n";

std::string_view unit_of(const LabelUnits& units, std::string_view key) {
  auto it = units.find(key);
  return it == units.end() ? std::string_view() : std::string_view(it->second);
}

/// "      key:  v1 v2" for each key of one label set: strings, then numbers, each block sorted by its text.
std::string labels_block(const Report& r, uint32_t set) {
  const Profile& p = r.profile();
  std::vector<std::string> lines[2];
  std::vector<Label> sorted = sorted_labels(p, p.label_sets[set]);
  for (auto group : LabelGroups(sorted)) {
    std::string line;
    append_right(line, p.text(group[0].key), 10);
    line += ": ";
    for (const Label& l : group) {
      line += ' ';
      line += l.is_number == 0 ? std::string(p.text(l.str))
                               : measurement_label(l.num, unit_of(r.label_units(), p.text(l.key)));
    }
    lines[group[0].is_number].push_back(line + '\n');
  }
  std::string block;
  for (auto& kind : lines) {
    std::sort(kind.begin(), kind.end());
    for (const std::string& line : kind) block += line;
  }
  return block;
}

/// One line for each frame of a location, innermost first.
std::string frames_of(GraphBuilder& builder, uint32_t location) {
  std::string text;
  auto nodes = builder.location_nodes(location);
  for (size_t n = 0; n < nodes.size(); ++n) {
    text += kMargin;
    text += "   " + builder.table().printable_name(nodes[n]);
    if (n + 1 != nodes.size()) text += " (inline)";
    text += '\n';
  }
  return text;
}

/// What one label value accounts for.
struct TagValue {
  std::string text;
  int64_t value = 0;
};

struct TagKey {
  std::map<std::string, int64_t> values;
  int64_t total = 0;
};

std::map<std::string, TagKey> sum_tags(const Report& r) {
  const Profile& p = r.profile();
  std::vector<int64_t> sums(p.label_sets.size());
  std::vector<bool> used(p.label_sets.size(), false);
  for (size_t i = 0; i < p.sample_count(); ++i) {
    uint32_t set = p.sample_label_sets[i];
    sums[set] = wrapping_add(sums[set], r.value(i));
    used[set] = true;
  }
  std::map<std::string, TagKey> keys;
  for (uint32_t s = 0; s < sums.size(); ++s) {
    if (!used[s]) continue;
    for (const Label& l : p.label_sets[s]) {
      std::string_view key = p.text(l.key);
      TagKey& k = keys[std::string(key)];
      std::string text = l.is_number == 0 ? std::string(p.text(l.str))
                                          : scaled_label(l.num, unit_of(r.label_units(), key), r.output_unit());
      int64_t& value = k.values[text];
      value = wrapping_add(value, sums[s]);
      k.total = wrapping_add(k.total, sums[s]);
    }
  }
  return keys;
}

std::vector<TagValue> heaviest_first(const std::map<std::string, int64_t>& values) {
  std::vector<TagValue> sorted;
  for (const auto& [text, value] : values) sorted.push_back({text, value});
  std::sort(sorted.begin(), sorted.end(), [](const TagValue& a, const TagValue& b) {
    int64_t x = wrapping_abs(a.value);
    int64_t y = wrapping_abs(b.value);
    return x != y ? x > y : a.text < b.text;
  });
  return sorted;
}

}  // namespace

void print_traces(Report& r, const TextSink& sink) {
  clean_file_names(r.mutable_profile());
  const Profile& p = r.profile();
  GraphBuilder builder(p, {.column = r.column()});
  LabelTexts labels(p, [&r](uint32_t set) { return labels_block(r, set); });
  std::vector<std::string> frames(p.locations.size());
  TextPieces pieces(sink);
  std::string& out = pieces.text;
  out = join_lines(r.profile_lines());
  for (size_t i = 0; i < p.sample_count() && pieces.pass_on(); ++i) {
    auto stack = p.stacks[p.sample_stacks[i]];
    if (stack.empty()) continue;
    out += kSeparator;
    out += labels.of(p.sample_label_sets[i]);
    int64_t divisor = r.divisor(i);
    std::string value = r.format(divisor != 0 ? wrapping_divide(r.value(i), divisor) : r.value(i));
    size_t value_at = out.size();
    for (uint32_t location : stack) {
      std::string& text = frames[location];
      if (text.empty()) text = frames_of(builder, location);
      out += text;
    }
    // The first line has the value in place of its margin.
    if (out.size() > value_at) {
      if (value.size() < kMargin.size()) value.insert(0, kMargin.size() - value.size(), ' ');
      out.replace(value_at, kMargin.size(), value);
    }
  }
  out += kSeparator;
  pieces.finish();
}

std::string print_tags(Report& r) {
  std::string text;
  int64_t total = r.total();
  for (const auto& [key, tags] : sum_tags(r)) {
    text += key + ":\t Total " + r.format(tags.total) + " of " + r.format(total);
    if (total > 0) text += " (" + percentage(tags.total, total) + ")";
    text += '\n';
    for (const TagValue& v : heaviest_first(tags.values)) {
      text += " \t" + r.format(v.value);
      if (total > 0) text += " (" + percentage(v.value, total) + ")";
      text += ":\t " + v.text + '\n';
    }
    text += '\n';
  }
  return align_right(text);
}

std::string print_comments(const Report& r) {
  std::string out;
  for (StringId c : r.profile().comments) out += std::string(r.profile().text(c)) + '\n';
  return out;
}

}  // namespace watchfire::profile
