#include "converters/legacy/legacy_draft.h"

#include <algorithm>

#include "converters/legacy/memory_map.h"

namespace watchfire::converters {
namespace {

using profile::kNone;

constexpr uint64_t kMaxMapWork = 200'000'000;  // locations times mappings
constexpr uint64_t kUsualStart = 0x400000;

/// Whether a mapping goes on where the other ends, of the same file.
bool adjacent(const LegacyMapping& a, const LegacyMapping& b) {
  if (!a.file.empty() && !b.file.empty() && a.file != b.file) return false;
  if (!a.build_id.empty() && !b.build_id.empty() && a.build_id != b.build_id) return false;
  if (a.limit != b.start) return false;
  return a.offset == 0 || b.offset == 0 || a.offset + (a.limit - a.start) == b.offset;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// ".so" at the end, or with a version after it.
bool is_library(std::string_view file) {
  if (file.ends_with(".so")) return true;
  for (size_t at = file.find(".so"); at != std::string_view::npos; at = file.find(".so", at + 1)) {
    std::string_view rest = file.substr(at + 3);
    if (rest.size() >= 2 && (rest[0] == '.' || rest[0] == '_') && is_digit(rest[1])) return true;
  }
  return false;
}

bool may_be_main(std::string file) {
  constexpr std::string_view kDeleted = "(deleted)";
  for (size_t at; (at = file.find(kDeleted)) != std::string::npos;) file.erase(at, kDeleted.size());
  std::string_view text = trim_space(file);
  return !text.empty() && !is_library(text) && text[0] != '[';
}

}  // namespace

Result<uint32_t> LegacyDraft::location(uint64_t address) {
  auto [it, added] = by_address_.try_emplace(address, static_cast<uint32_t>(locations_.size()));
  if (!added) return it->second;
  if (locations_.size() >= limits_.locations) {
    return fail(limit_exceeded("locations", limits_.locations, "locations"));
  }
  locations_.push_back({.address = address});
  return it->second;
}

Status LegacyDraft::begin_sample(std::span<const int64_t> values) {
  if (samples_.size() >= limits_.samples) return fail(limit_exceeded("samples", limits_.samples, "samples"));
  samples_.push_back({.first_frame = frames_.size()});
  values_.insert(values_.end(), values.begin(), values.end());
  return {};
}

Status LegacyDraft::add_frame(uint64_t address) {
  if (samples_.back().frame_count >= limits_.stack_depth) {
    return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
  }
  if (frames_.size() >= limits_.frames) return fail(limit_exceeded("frames", limits_.frames, "frames in its stacks"));
  WF_ASSIGN(uint32_t index, location(address));
  frames_.push_back(index);
  ++samples_.back().frame_count;
  return {};
}

void LegacyDraft::remove_second_frame(size_t sample) {
  Sample& s = samples_[sample];
  if (s.frame_count < 2) return;
  auto first = frames_.begin() + static_cast<ptrdiff_t>(s.first_frame);
  std::move(first + 2, first + static_cast<ptrdiff_t>(s.frame_count), first + 1);
  --s.frame_count;
}

void LegacyDraft::remove_duplicate_leaves() {
  for (size_t i = 0; i < samples_.size(); ++i) {
    auto frames = stack(i);
    if (frames.size() > 1 && address(frames[0]) == address(frames[1]) + 1) remove_second_frame(i);
  }
}

void LegacyDraft::name_location(uint64_t address, std::string_view function, std::string_view file, int64_t line) {
  auto it = by_address_.find(address);
  if (it == by_address_.end()) return;
  auto [known, added] = by_name_.try_emplace(std::string(function), static_cast<uint32_t>(functions_.size()));
  if (added) functions_.push_back({std::string(function), std::string(file)});
  Place& place = locations_[it->second];
  place.function = known->second;
  place.line = line;
  place.address = 0;
}

Status LegacyDraft::apply_memory_map(std::string_view text) {
  WF_ASSIGN(std::vector<LegacyMapping> mappings, parse_memory_map(text, limits_));
  mappings_ = std::move(mappings);
  massage_mappings();
  return apply_mappings(std::move(mappings_));
}

Status LegacyDraft::apply_mappings(std::vector<LegacyMapping> mappings) {
  mappings_ = std::move(mappings);
  order_locations();
  return assign_mappings();
}

void LegacyDraft::order_locations() {
  std::vector<bool> seen(locations_.size(), false);
  for (size_t i = 0; i < samples_.size(); ++i) {
    for (uint32_t l : stack(i)) {
      if (!seen[l]) order_.push_back(l);
      seen[l] = true;
    }
  }
}

void LegacyDraft::massage_mappings() {
  std::vector<LegacyMapping> merged;
  for (LegacyMapping& m : mappings_) {
    if (merged.empty() || !adjacent(merged.back(), m)) {
      merged.push_back(std::move(m));
      continue;
    }
    LegacyMapping& last = merged.back();
    last.limit = m.limit;
    if (!m.file.empty()) last.file = std::move(m.file);
    if (!m.build_id.empty()) last.build_id = std::move(m.build_id);
  }
  mappings_ = std::move(merged);
  auto main = std::find_if(mappings_.begin(), mappings_.end(), [](const auto& m) { return may_be_main(m.file); });
  if (main != mappings_.end()) std::swap(mappings_.front(), *main);
}

Status LegacyDraft::assign_mappings() {
  if (mappings_.size() > 1 && mappings_[0].file.starts_with("/anon_hugepage") &&
      mappings_[0].limit == mappings_[1].start) {
    mappings_.erase(mappings_.begin());
  }
  if (!mappings_.empty() && mappings_[0].start - mappings_[0].offset == kUsualStart) {
    mappings_[0].start = kUsualStart;
    mappings_[0].offset = 0;
  }
  if (order_.size() * mappings_.size() > kMaxMapWork) {
    return fail(ErrorCode::kResourceExhausted, "too many locations and mappings to match");
  }
  for (uint32_t l : order_) {
    Place& place = locations_[l];
    if (place.address == 0) continue;
    bool needs_fake = false;
    place.mapping = mapping_of(place.address, needs_fake);
    if (!needs_fake) continue;
    place.mapping = static_cast<uint32_t>(mappings_.size());
    mappings_.push_back({.limit = ~uint64_t{0}});
  }
  return {};
}

uint32_t LegacyDraft::mapping_of(uint64_t address, bool& needs_fake) {
  for (uint32_t i = 0; i < mappings_.size(); ++i) {
    if (mappings_[i].start <= address && address < mappings_[i].limit) return i;
  }
  // Old handlers leave out the first part of a mapping that was split in two.
  for (uint32_t i = 0; i < mappings_.size(); ++i) {
    LegacyMapping& m = mappings_[i];
    if (m.offset == 0 || m.start - m.offset > address || address >= m.start) continue;
    m.start -= m.offset;
    m.offset = 0;
    return i;
  }
  // A mapping of everything ends before the last address, which the one made for it still covers.
  if (!mappings_.empty() && mappings_.back().start == 0 && mappings_.back().limit == ~uint64_t{0} &&
      mappings_.back().file.empty()) {
    return static_cast<uint32_t>(mappings_.size() - 1);
  }
  needs_fake = true;
  return kNone;
}

void LegacyDraft::drop_addresses() {
  for (Place& place : locations_) place.address = 0;
}

profile::Profile LegacyDraft::finish(std::span<const std::pair<std::string_view, std::string_view>> types) {
  profile::Profile p;
  for (const auto& [type, unit] : types) p.sample_types.push_back({p.strings.intern(type), p.strings.intern(unit)});
  p.values.resize(types.size());
  for (const LegacyMapping& m : mappings_) {
    profile::Mapping out{.id = p.mappings.size() + 1, .start = m.start, .limit = m.limit, .file_offset = m.offset};
    out.file = p.strings.intern(m.file);
    out.build_id = p.strings.intern(m.build_id);
    p.mappings.push_back(out);
  }
  std::vector<uint32_t> function_index(functions_.size(), kNone);
  std::vector<uint32_t> location_index(locations_.size(), kNone);
  for (uint32_t l : order_) {
    const Place& place = locations_[l];
    profile::Location out{.id = p.locations.size() + 1, .address = place.address, .mapping = place.mapping};
    if (place.function != kNone) {
      uint32_t& index = function_index[place.function];
      if (index == kNone) {
        index = static_cast<uint32_t>(p.functions.size());
        profile::StringId name = p.strings.intern(functions_[place.function].name);
        p.functions.push_back({.id = index + 1u, .name = name, .system_name = name});
        p.functions.back().file = p.strings.intern(functions_[place.function].file);
      }
      out.first_line = static_cast<uint32_t>(p.lines.size());
      out.line_count = 1;
      p.lines.push_back({.function = index, .line = place.line});
    }
    location_index[l] = static_cast<uint32_t>(p.locations.size());
    p.locations.push_back(out);
  }
  profile::Label bytes{.key = p.strings.intern("bytes"), .is_number = 1};
  profile::StringId thread_key = 0;
  std::vector<profile::Label> labels;
  std::vector<uint32_t> frames;
  for (size_t i = 0; i < samples_.size(); ++i) {
    frames.clear();
    for (uint32_t l : stack(i)) frames.push_back(location_index[l]);
    labels.clear();
    if (!samples_[i].thread.empty()) {
      if (thread_key == 0) thread_key = p.strings.intern("thread");
      labels.push_back({.key = thread_key, .str = p.strings.intern(samples_[i].thread)});
    }
    bytes.num = samples_[i].bytes;
    if (samples_[i].has_bytes) labels.push_back(bytes);
    p.add_sample(frames, labels, std::span(values_).subspan(i * value_count_, value_count_));
  }
  return p;
}

}  // namespace watchfire::converters
