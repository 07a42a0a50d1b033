#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

template <typename T>
void keep_elements(std::vector<T>& column, const std::vector<bool>& keep) {
  size_t out = 0;
  for (size_t i = 0; i < column.size(); ++i) {
    if (keep[i]) column[out++] = column[i];
  }
  column.resize(out);
}

/// Rewrites a column by `replacement` and drops the rows that have none.
void replace_column(Profile& p, std::vector<uint32_t>& column, const std::vector<uint32_t>& replacement) {
  std::vector<bool> keep(column.size(), true);
  bool all = true;
  for (size_t i = 0; i < column.size(); ++i) {
    column[i] = replacement[column[i]];
    if (column[i] != kNone) continue;
    keep[i] = false;
    all = false;
  }
  if (!all) keep_samples(p, keep);
}

/// New label sets made of `edit(labels)` for each present one.
template <typename Edit>
void edit_label_sets(Profile& p, Edit edit) {
  SpanTable<Label> sets;
  std::vector<uint32_t> replacement;
  std::vector<Label> labels;
  for (uint32_t s = 0; s < p.label_sets.size(); ++s) {
    auto old = p.label_sets[s];
    labels.assign(old.begin(), old.end());
    edit(labels);
    replacement.push_back(sets.intern(labels));
  }
  replace_label_sets(p, std::move(sets), replacement);
}

}  // namespace

void keep_samples(Profile& p, const std::vector<bool>& keep) {
  keep_elements(p.sample_stacks, keep);
  keep_elements(p.sample_label_sets, keep);
  for (auto& column : p.values) keep_elements(column, keep);
}

void replace_stacks(Profile& p, SpanTable<uint32_t> stacks, const std::vector<uint32_t>& replacement) {
  p.stacks = std::move(stacks);
  replace_column(p, p.sample_stacks, replacement);
}

void replace_label_sets(Profile& p, SpanTable<Label> sets, const std::vector<uint32_t>& replacement) {
  p.label_sets = std::move(sets);
  replace_column(p, p.sample_label_sets, replacement);
}

void set_label(Profile& p, std::string_view key, std::string_view value) {
  Label label{.key = p.strings.intern(key), .str = p.strings.intern(value)};
  edit_label_sets(p, [&](std::vector<Label>& labels) {
    std::erase_if(labels, [&](const Label& l) { return l.is_number == 0 && l.key == label.key; });
    labels.push_back(label);
  });
}

void remove_label(Profile& p, std::string_view key) {
  StringId id = p.strings.intern(key);
  edit_label_sets(p, [&](std::vector<Label>& labels) {
    std::erase_if(labels, [&](const Label& l) { return l.is_number == 0 && l.key == id; });
  });
}

bool has_label(const Profile& p, uint32_t set, std::string_view key, std::string_view value) {
  for (const Label& l : p.label_sets[set]) {
    if (l.is_number == 0 && p.text(l.key) == key && p.text(l.str) == value) return true;
  }
  return false;
}

}  // namespace watchfire::profile
