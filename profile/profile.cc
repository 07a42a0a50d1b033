#include "profile/profile.h"

#include <charconv>
#include <string>
#include <unordered_set>

namespace watchfire::profile {

void Profile::add_sample(std::span<const uint32_t> stack, std::span<const Label> labels,
                         std::span<const int64_t> sample_values) {
  sample_stacks.push_back(stacks.intern(stack));
  sample_label_sets.push_back(label_sets.intern(labels));
  values.resize(sample_types.size());
  for (size_t t = 0; t < values.size(); ++t) values[t].push_back(t < sample_values.size() ? sample_values[t] : 0);
}

namespace {

template <typename T>
size_t vector_bytes(const std::vector<T>& v) {
  return v.capacity() * sizeof(T);
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

std::string type_names(const Profile& p) {
  std::string names;
  for (const ValueType& t : p.sample_types) {
    if (!names.empty()) names += ' ';
    names += p.text(t.type);
  }
  return "[" + names + "]";
}

Status broken(std::string what, size_t index) {
  return fail(ErrorCode::kCorrupt, "profile: " + std::move(what) + " (element " + std::to_string(index) + ")");
}

/// Ids must be distinct and not 0, since they are written back to the wire.
template <typename T>
Status check_ids(const std::vector<T>& elements, std::string_view what) {
  std::unordered_set<uint64_t> seen;
  seen.reserve(elements.size());
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].id == 0) return broken(std::string(what) + " with reserved id 0", i);
    if (!seen.insert(elements[i].id).second) {
      return broken("multiple " + std::string(what) + "s with id " + std::to_string(elements[i].id), i);
    }
  }
  return {};
}

Status check_frames(const Profile& p) {
  for (size_t i = 0; i < p.locations.size(); ++i) {
    const Location& l = p.locations[i];
    if (l.mapping != kNone && l.mapping >= p.mappings.size()) return broken("location with unknown mapping", i);
    if (uint64_t{l.first_line} + l.line_count > p.lines.size()) return broken("location with lines out of range", i);
  }
  for (size_t i = 0; i < p.lines.size(); ++i) {
    if (p.lines[i].function >= p.functions.size()) return broken("line with unknown function", i);
  }
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    for (uint32_t location : p.stacks[s]) {
      if (location >= p.locations.size()) return broken("stack with unknown location", s);
    }
  }
  return {};
}

Status check_strings(const Profile& p) {
  auto known = [&](StringId id) { return id < p.strings.size(); };
  for (size_t i = 0; i < p.sample_types.size(); ++i) {
    if (!known(p.sample_types[i].type) || !known(p.sample_types[i].unit)) return broken("sample type without name", i);
  }
  for (size_t i = 0; i < p.mappings.size(); ++i) {
    if (!known(p.mappings[i].file) || !known(p.mappings[i].build_id)) return broken("mapping with unknown string", i);
  }
  for (size_t i = 0; i < p.functions.size(); ++i) {
    const Function& f = p.functions[i];
    if (!known(f.name) || !known(f.system_name) || !known(f.file)) return broken("function with unknown string", i);
  }
  for (uint32_t s = 0; s < p.label_sets.size(); ++s) {
    for (const Label& l : p.label_sets[s]) {
      if (!known(l.key) || !known(l.str) || !known(l.unit)) return broken("label with unknown string", s);
    }
  }
  for (size_t i = 0; i < p.comments.size(); ++i) {
    if (!known(p.comments[i])) return broken("comment with unknown string", i);
  }
  for (StringId id :
       {p.period_type.type, p.period_type.unit, p.default_sample_type, p.drop_frames, p.keep_frames, p.doc_url}) {
    if (!known(id)) return broken("header with unknown string", id);
  }
  return {};
}

Status check_samples(const Profile& p) {
  size_t n = p.sample_count();
  if (n != 0 && p.sample_types.empty()) return fail(ErrorCode::kCorrupt, "profile: missing sample type information");
  if (p.sample_label_sets.size() != n) return fail(ErrorCode::kCorrupt, "profile: label column of wrong length");
  if (n != 0 && p.values.size() != p.sample_types.size()) {
    return fail(ErrorCode::kCorrupt, "profile: number of value columns differs from the sample types");
  }
  for (size_t t = 0; t < p.values.size(); ++t) {
    if (p.values[t].size() != n) return broken("value column of wrong length", t);
  }
  for (size_t i = 0; i < n; ++i) {
    if (p.sample_stacks[i] >= p.stacks.size()) return broken("sample with unknown stack", i);
    if (p.sample_label_sets[i] >= p.label_sets.size()) return broken("sample with unknown label set", i);
  }
  return {};
}

}  // namespace

size_t Profile::memory_bytes() const {
  size_t bytes = strings.memory_bytes() + stacks.memory_bytes() + label_sets.memory_bytes();
  bytes += vector_bytes(sample_types) + vector_bytes(mappings) + vector_bytes(functions) + vector_bytes(lines) +
           vector_bytes(locations) + vector_bytes(sample_stacks) + vector_bytes(sample_label_sets) +
           vector_bytes(values) + vector_bytes(comments);
  for (const auto& column : values) bytes += vector_bytes(column);
  return bytes;
}

Status validate(const Profile& p) {
  WF_TRY(check_samples(p));
  WF_TRY(check_strings(p));
  WF_TRY(check_frames(p));
  WF_TRY(check_ids(p.mappings, "mapping"));
  WF_TRY(check_ids(p.functions, "function"));
  return check_ids(p.locations, "location");
}

Result<size_t> sample_index(const Profile& p, std::string_view wanted) {
  size_t n = p.sample_types.size();
  if (n == 0) return fail(ErrorCode::kInvalidArgument, "profile has no samples");
  if (wanted.empty()) {
    for (size_t i = 0; p.default_sample_type != 0 && i < n; ++i) {
      if (p.sample_types[i].type == p.default_sample_type) return i;
    }
    return n - 1;
  }
  std::string_view digits = wanted.starts_with('+') ? wanted.substr(1) : wanted;
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && end == digits.data() + digits.size()) {
    if (number >= 0 && static_cast<uint64_t>(number) < n) return static_cast<size_t>(number);
    return fail(ErrorCode::kInvalidArgument,
                "sample_index " + std::string(wanted) + " is outside the range [0.." + std::to_string(n - 1) + "]");
  }
  std::string_view short_name = wanted.starts_with("inuse_") ? wanted.substr(6) : wanted;
  for (size_t i = 0; i < n; ++i) {
    std::string_view type = p.text(p.sample_types[i].type);
    if (type == wanted || type == short_name) return i;
  }
  return fail(ErrorCode::kInvalidArgument, "sample_index " + quoted(wanted) + " must be one of: " + type_names(p));
}

}  // namespace watchfire::profile
