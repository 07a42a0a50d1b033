#include "profile/merge.h"

#include <algorithm>

#include "base/keyed_hash.h"
#include "base/memory.h"
#include "profile/sample_edit.h"
#include "profile/sorted_labels.h"

namespace watchfire::profile {

struct Merger::SourceMaps {
  explicit SourceMaps(const Profile& p)
      : source(p),
        strings(p.strings.size(), kNone),
        mappings(p.mappings.size(), kNone),
        address_shift(p.mappings.size()),
        functions(p.functions.size(), kNone),
        locations(p.locations.size(), kNone),
        stacks(p.stacks.size(), kNone),
        label_sets(p.label_sets.size(), kNone) {}

  const Profile& source;
  std::vector<StringId> strings;
  std::vector<uint32_t> mappings;
  std::vector<uint64_t> address_shift;
  std::vector<uint32_t> functions;
  std::vector<uint32_t> locations;
  std::vector<uint32_t> stacks;
  std::vector<uint32_t> label_sets;
};

namespace {

std::string type_text(const Profile& p, const ValueType& t) {
  return std::string(p.text(t.type)) + "/" + std::string(p.text(t.unit));
}

std::string types_text(const Profile& p, const std::vector<ValueType>& types) {
  std::string text;
  for (const ValueType& t : types) text += (text.empty() ? "" : " ") + type_text(p, t);
  return "[" + text + "]";
}

bool same_type(const Profile& a, const ValueType& x, const Profile& b, const ValueType& y) {
  return a.text(x.type) == b.text(y.type) && a.text(x.unit) == b.text(y.unit);
}

/// Size in whole pages, so that small differences between builds of the map don't matter.
uint64_t rounded_size(const Mapping& m) {
  uint64_t size = m.limit - m.start + 0xfff;
  return size - size % 0x1000;
}

uint64_t function_hash(const Function& f) {
  uint64_t key[] = {static_cast<uint64_t>(f.start_line), uint64_t{f.name} << 32 | f.system_name, f.file};
  return keyed_hash(key, sizeof key);
}

bool same(const Function& a, const Function& b) {
  return a.name == b.name && a.system_name == b.system_name && a.file == b.file && a.start_line == b.start_line;
}

bool any_zero_row(const Profile& p) {
  for (size_t i = 0; i < p.sample_count(); ++i) {
    if (std::all_of(p.values.begin(), p.values.end(), [&](const auto& column) { return column[i] == 0; })) return true;
  }
  return false;
}

}  // namespace

Status Merger::check_compatible(const Profile& tables, const Profile& rows) const {
  if (sources_ == 0) return {};
  if (!same_type(out_, out_.period_type, tables, rows.period_type)) {
    return fail(ErrorCode::kInvalidArgument, "incompatible period types " + type_text(out_, out_.period_type) +
                                                 " and " + type_text(tables, rows.period_type));
  }
  bool same =
      std::equal(out_.sample_types.begin(), out_.sample_types.end(), rows.sample_types.begin(), rows.sample_types.end(),
                 [&](const ValueType& x, const ValueType& y) { return same_type(out_, x, tables, y); });
  if (same) return {};
  return fail(ErrorCode::kInvalidArgument, "incompatible sample types " + types_text(out_, out_.sample_types) +
                                               " and " + types_text(tables, rows.sample_types));
}

Status Merger::add(const Profile& tables, const Profile& rows) {
  WF_TRY(check_compatible(tables, rows));
  SourceMaps maps(tables);
  if (&tables == &rows) {  // of a table that serves many rows, these may use little
    if (sources_ == 0) reserve(rows);
    if (out_.functions.size() > tables.functions.size() / 2) find_known(maps);
  }
  add_header(rows, maps);
  if (out_.mappings.empty() && !tables.mappings.empty()) map_mapping(0, maps);
  if (labels_ == MergeLabels::kKeep) {
    add_samples(rows, maps);
  } else {
    add_stack_sums(rows, maps);
  }
  ++sources_;
  return {};
}

/// Room for what the first source has; it may be the only one.
void Merger::reserve(const Profile& p) {
  out_.functions.reserve(p.functions.size());
  out_.lines.reserve(p.lines.size());
  out_.locations.reserve(p.locations.size());
  out_.stacks.reserve(p.stacks.size(), p.stacks.element_count());
  functions_.reserve(p.functions.size());
  locations_.reserve(p.locations.size());
  size_t rows = std::min<size_t>(p.sample_count(), size_t{p.stacks.size()} * p.label_sets.size());
  rows_.reserve(rows);
  reserve_large(out_.sample_stacks, rows);
  reserve_large(out_.sample_label_sets, rows);
  out_.values.resize(p.values.size());
  for (auto& column : out_.values) reserve_large(column, rows);
}

void Merger::add_header(const Profile& source, SourceMaps& maps) {
  if (sources_ == 0) {
    for (const ValueType& t : source.sample_types) {
      out_.sample_types.push_back({map_string(t.type, maps), map_string(t.unit, maps)});
    }
    out_.values.resize(out_.sample_types.size());
    out_.period_type = {map_string(source.period_type.type, maps), map_string(source.period_type.unit, maps)};
    out_.drop_frames = map_string(source.drop_frames, maps);
    out_.keep_frames = map_string(source.keep_frames, maps);
  }
  if (out_.time_ns == 0 || source.time_ns < out_.time_ns) out_.time_ns = source.time_ns;
  out_.duration_ns = wrapping_add(out_.duration_ns, source.duration_ns);
  if (out_.period == 0 || out_.period < source.period) out_.period = source.period;
  for (StringId c : source.comments) {
    StringId id = map_string(c, maps);
    if (std::find(out_.comments.begin(), out_.comments.end(), id) == out_.comments.end()) out_.comments.push_back(id);
  }
  if (out_.default_sample_type == 0) out_.default_sample_type = map_string(source.default_sample_type, maps);
  if (out_.doc_url == 0) out_.doc_url = map_string(source.doc_url, maps);
}

void Merger::add_samples(const Profile& source, SourceMaps& maps) {
  size_t types = source.values.size();
  std::vector<int64_t> row(types);
  for (size_t i = 0; i < source.sample_count(); ++i) {
    int64_t any = 0;
    for (size_t t = 0; t < types; ++t) any |= row[t] = source.values[t][i];
    if (any == 0) continue;
    uint32_t stack = map_stack(source.sample_stacks[i], maps);
    add_row(stack, map_label_set(source.sample_label_sets[i], maps), row);
  }
}

void Merger::add_stack_sums(const Profile& source, SourceMaps& maps) {
  size_t types = source.values.size();
  size_t stacks = maps.stacks.size();
  std::vector<int64_t> sums(stacks * types);
  for (size_t t = 0; t < types; ++t) {
    const int64_t* column = source.values[t].data();
    for (size_t i = 0; i < source.sample_count(); ++i) {
      int64_t& sum = sums[source.sample_stacks[i] * types + t];
      sum = wrapping_add(sum, column[i]);
    }
  }
  for (uint32_t s = 0; s < stacks; ++s) {
    std::span<const int64_t> row(sums.data() + s * types, types);
    if (std::all_of(row.begin(), row.end(), [](int64_t v) { return v == 0; })) continue;
    add_row(map_stack(s, maps), 0, row);
  }
}

void Merger::add_row(uint32_t stack, uint32_t label_set, std::span<const int64_t> row) {
  uint32_t index = rows_.intern(stack, label_set);
  if (index == out_.sample_count()) {
    out_.sample_stacks.push_back(stack);
    out_.sample_label_sets.push_back(label_set);
    for (size_t t = 0; t < row.size(); ++t) out_.values[t].push_back(row[t]);
    return;
  }
  for (size_t t = 0; t < row.size(); ++t) out_.values[t][index] = wrapping_add(out_.values[t][index], row[t]);
}

StringId Merger::map_string(StringId id, SourceMaps& maps) {
  StringId& mapped = maps.strings[id];
  if (mapped == kNone) mapped = out_.strings.intern(maps.source.text(id));
  return mapped;
}

uint32_t Merger::map_mapping(uint32_t index, SourceMaps& maps) {
  if (index == kNone) return kNone;
  uint32_t& mapped = maps.mappings[index];
  if (mapped != kNone) return mapped;
  const Mapping& m = maps.source.mappings[index];
  StringId file = map_string(m.file, maps);
  StringId build_id = map_string(m.build_id, maps);
  uint64_t key[] = {rounded_size(m), m.file_offset, build_id != 0 ? build_id : file};
  mapped = mapping_keys_.intern(key) - 1;
  if (mapped == out_.mappings.size()) {
    Mapping& copy = out_.mappings.emplace_back(m);
    copy.id = mapped + 1;
    copy.file = file;
    copy.build_id = build_id;
    copy.kernel_relocation_symbol = map_string(m.kernel_relocation_symbol, maps);
  }
  maps.address_shift[index] = out_.mappings[mapped].start - m.start;
  return mapped;
}

uint32_t Merger::map_function(uint32_t index, SourceMaps& maps) {
  uint32_t& mapped = maps.functions[index];
  if (mapped != kNone) return mapped;
  Function f = maps.source.functions[index];
  f.name = map_string(f.name, maps);
  f.system_name = map_string(f.system_name, maps);
  f.file = map_string(f.file, maps);
  auto next = static_cast<uint32_t>(out_.functions.size());
  mapped =
      functions_.find_or_add(function_hash(f), next, [&](uint32_t number) { return same(out_.functions[number], f); });
  if (mapped == next) {
    f.id = mapped + 1;
    out_.functions.push_back(f);
  }
  return mapped;
}

uint32_t Merger::map_location(uint32_t index, SourceMaps& maps) {
  uint32_t& mapped = maps.locations[index];
  if (mapped != kNone) return mapped;
  (void)map_mapping(maps.source.locations[index].mapping, maps);
  for (const Line& line : maps.source.lines_of(maps.source.locations[index]))
    if (line.function != kNone) (void)map_function(line.function, maps);
  Location l;
  (void)translate(index, maps, l);
  auto next = static_cast<uint32_t>(out_.locations.size());
  mapped = locations_.find_or_add(location_hash(l), next, [&](uint32_t number) { return is_known_as(number, l); });
  if (mapped == next) {
    l.id = mapped + 1;
    l.first_line = static_cast<uint32_t>(out_.lines.size());
    out_.lines.insert(out_.lines.end(), scratch_lines_.begin(), scratch_lines_.end());
    out_.locations.push_back(l);
  }
  return mapped;
}

/// The location in the ids of the merged profile, its lines in scratch_lines_; false when one of them is not known yet.
bool Merger::translate(uint32_t index, const SourceMaps& maps, Location& l) {
  l = maps.source.locations[index];
  bool known = true;
  if (l.mapping != kNone) {
    uint32_t mapping = maps.mappings[l.mapping];
    known = mapping != kNone;
    l.address += maps.address_shift[l.mapping];
    l.mapping = mapping;
  }
  scratch_lines_.resize(l.line_count);
  Line* to = scratch_lines_.data();
  for (const Line& line : maps.source.lines_of(l)) {
    *to = line;
    if (line.function != kNone) {
      to->function = maps.functions[line.function];
      known = known && to->function != kNone;
    }
    ++to;
  }
  return known;
}

/// Of a location whose lines are in scratch_lines_. Addresses count from where their mapping starts.
uint64_t Merger::location_hash(const Location& l) const {
  uint64_t start = l.mapping != kNone ? out_.mappings[l.mapping].start : 0;
  uint64_t place[] = {l.address - start, uint64_t{l.mapping} << 1 | (l.is_folded ? 1 : 0)};
  uint64_t hash = keyed_hash(place, sizeof place);
  for (const Line& line : scratch_lines_) {
    uint64_t key[] = {hash ^ line.function, static_cast<uint64_t>(line.line), static_cast<uint64_t>(line.column)};
    hash = keyed_hash(key, sizeof key);
  }
  return hash;
}

bool Merger::is_known_as(uint32_t number, const Location& l) const {
  const Location& known = out_.locations[number];
  return known.address == l.address && known.mapping == l.mapping && known.is_folded == l.is_folded &&
         known.line_count == l.line_count &&
         std::ranges::equal(out_.lines_of(known), scratch_lines_, [](const Line& a, const Line& b) {
           return a.function == b.function && a.line == b.line && a.column == b.column;
         });
}

/// Finds, without adding anything, what of a source's tables is known already. One table after the other this costs
/// less than when stacks ask for them.
void Merger::find_known(SourceMaps& maps) {
  const Profile& source = maps.source;
  for (StringId id = 0; id < source.strings.size(); ++id) maps.strings[id] = out_.strings.find(source.text(id), kNone);
  for (uint32_t i = 0; i < source.mappings.size(); ++i) {
    const Mapping& m = source.mappings[i];
    StringId name = maps.strings[m.build_id] != 0 ? maps.strings[m.build_id] : maps.strings[m.file];
    uint64_t key[] = {rounded_size(m), m.file_offset, name};
    uint32_t found = mapping_keys_.find(key, 0);
    if (name == kNone || found == 0) continue;
    maps.mappings[i] = found - 1;
    maps.address_shift[i] = out_.mappings[found - 1].start - m.start;
  }
  for (uint32_t i = 0; i < source.functions.size(); ++i) {
    Function f = source.functions[i];
    f.name = maps.strings[f.name];
    f.system_name = maps.strings[f.system_name];
    f.file = maps.strings[f.file];
    maps.functions[i] =
        functions_.find(function_hash(f), [&](uint32_t number) { return same(out_.functions[number], f); });
  }
  Location l;
  for (uint32_t i = 0; i < source.locations.size(); ++i) {
    if (translate(i, maps, l))
      maps.locations[i] = locations_.find(location_hash(l), [&](uint32_t number) { return is_known_as(number, l); });
  }
}

uint32_t Merger::map_stack(uint32_t id, SourceMaps& maps) {
  uint32_t& mapped = maps.stacks[id];
  if (mapped != kNone) return mapped;
  auto stack = maps.source.stacks[id];
  scratch_stack_.resize(stack.size());
  for (size_t i = 0; i < stack.size(); ++i) scratch_stack_[i] = map_location(stack[i], maps);
  mapped = out_.stacks.intern(scratch_stack_);
  return mapped;
}

uint32_t Merger::map_label_set(uint32_t id, SourceMaps& maps) {
  uint32_t& mapped = maps.label_sets[id];
  if (mapped != kNone) return mapped;
  std::vector<Label> labels = sorted_labels(maps.source, maps.source.label_sets[id]);
  for (Label& l : labels) {
    l.key = map_string(l.key, maps);
    l.str = map_string(l.str, maps);
    l.unit = map_string(l.unit, maps);
  }
  mapped = out_.label_sets.intern(labels);
  return mapped;
}

size_t Merger::memory_bytes() const {
  return out_.memory_bytes() + mapping_keys_.memory_bytes() + functions_.memory_bytes() + locations_.memory_bytes() +
         rows_.memory_bytes();
}

Profile Merger::finish() {
  Profile merged = std::move(out_);
  *this = Merger(labels_);
  if (!any_zero_row(merged)) return merged;
  // What only the vanished samples used must go too: merge once more, into ids of what is left.
  Merger again(labels_);
  (void)again.add(merged);
  return std::move(again.out_);
}

Result<Profile> merge(std::span<const Profile* const> sources) {
  if (sources.empty()) return fail(ErrorCode::kInvalidArgument, "no profiles to merge");
  Merger merger;
  for (const Profile* p : sources) WF_TRY(merger.add(*p));
  return merger.finish();
}

}  // namespace watchfire::profile
