#include "converters/profile_builder.h"

namespace watchfire::converters {

using profile::Line;
using profile::StringId;

Result<StringId> ProfileBuilder::text(std::string_view text) {
  uint32_t before = profile_.strings.size();
  StringId id = profile_.strings.intern(text);
  if (id != before) return id;
  WF_TRY(check(id, limits_.strings, "strings"));
  string_bytes_ += text.size();
  if (string_bytes_ > limits_.string_bytes) {
    return fail(limit_exceeded("string_bytes", limits_.string_bytes, "bytes of strings"));
  }
  return id;
}

Result<uint32_t> ProfileBuilder::add_sample_type(std::string_view type, std::string_view unit) {
  auto column = static_cast<uint32_t>(profile_.sample_types.size());
  WF_TRY(check(column, limits_.sample_types, "sample_types"));
  if ((column + uint64_t{1}) * profile_.sample_count() > limits_.values) {
    return fail(limit_exceeded("values", limits_.values, "values"));
  }
  WF_ASSIGN(StringId type_id, this->text(type));
  WF_ASSIGN(StringId unit_id, this->text(unit));
  profile_.sample_types.push_back({type_id, unit_id});
  profile_.values.emplace_back(profile_.sample_count());
  return column;
}

Result<uint32_t> ProfileBuilder::mapping(profile::Mapping m) {
  const uint64_t key[] = {m.start, m.limit, m.file_offset, uint64_t{m.file} << 32 | m.build_id};
  uint32_t index = mapping_keys_.intern(key) - 1;
  if (index < profile_.mappings.size()) return index;
  WF_TRY(check(index, limits_.mappings, "mappings"));
  m.id = index + uint64_t{1};
  profile_.mappings.push_back(m);
  return index;
}

Result<uint32_t> ProfileBuilder::function(std::string_view name, std::string_view file) {
  WF_ASSIGN(StringId name_id, this->text(name));
  WF_ASSIGN(StringId file_id, this->text(file));
  const uint64_t key[] = {name_id, file_id};
  uint32_t index = function_keys_.intern(key) - 1;
  if (index < profile_.functions.size()) return index;
  WF_TRY(check(index, limits_.functions, "functions"));
  profile_.functions.push_back({.id = index + uint64_t{1}, .name = name_id, .system_name = name_id, .file = file_id});
  return index;
}

Result<uint32_t> ProfileBuilder::location(uint32_t mapping, uint64_t address, std::span<const Line> lines) {
  key_.assign({mapping, address});
  for (const Line& l : lines) {
    key_.insert(key_.end(), {l.function, static_cast<uint64_t>(l.line), static_cast<uint64_t>(l.column)});
  }
  uint32_t index = location_keys_.intern(key_) - 1;
  if (index < profile_.locations.size()) return index;
  WF_TRY(check(index, limits_.locations, "locations"));
  if (profile_.lines.size() + lines.size() > limits_.lines)
    return fail(limit_exceeded("lines", limits_.lines, "lines"));
  profile::Location l{.id = index + uint64_t{1}, .address = address, .mapping = mapping};
  l.first_line = static_cast<uint32_t>(profile_.lines.size());
  l.line_count = static_cast<uint32_t>(lines.size());
  profile_.lines.insert(profile_.lines.end(), lines.begin(), lines.end());
  profile_.locations.push_back(l);
  return index;
}

Result<uint32_t> ProfileBuilder::named_location(std::string_view name) {
  WF_ASSIGN(uint32_t f, function(name));
  const Line line{.function = f};
  return location(profile::kNone, 0, {&line, 1});
}

Result<uint32_t> ProfileBuilder::sample(std::span<const uint32_t> stack, std::span<const profile::Label> labels) {
  if (stack.size() > limits_.stack_depth) {
    return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
  }
  if (labels.size() > limits_.labels_per_sample) {
    return fail(limit_exceeded("labels_per_sample", limits_.labels_per_sample, "labels at one sample"));
  }
  uint32_t stack_id = profile_.stacks.intern(stack);
  uint32_t set_id = profile_.label_sets.intern(labels);
  uint32_t row = rows_.intern(stack_id, set_id);
  if (row < profile_.sample_count()) return row;
  WF_TRY(check(row, limits_.samples, "samples"));
  if (profile_.stacks.element_count() > limits_.frames) {
    return fail(limit_exceeded("frames", limits_.frames, "frames in its stacks"));
  }
  if (profile_.label_sets.element_count() > limits_.labels) {
    return fail(limit_exceeded("labels", limits_.labels, "labels"));
  }
  if ((row + uint64_t{1}) * profile_.values.size() > limits_.values) {
    return fail(limit_exceeded("values", limits_.values, "values"));
  }
  profile_.sample_stacks.push_back(stack_id);
  profile_.sample_label_sets.push_back(set_id);
  for (auto& column : profile_.values) column.push_back(0);
  return row;
}

void ProfileBuilder::add(uint32_t row, uint32_t column, int64_t value) {
  int64_t& sum = profile_.values[column][row];
  if (__builtin_add_overflow(sum, value, &sum)) sum = value < 0 ? INT64_MIN : INT64_MAX;
}

Status ProfileBuilder::comment(std::string_view text) {
  WF_TRY(check(profile_.comments.size(), limits_.comments, "comments"));
  WF_ASSIGN(StringId id, this->text(text));
  profile_.comments.push_back(id);
  return {};
}

}  // namespace watchfire::converters
