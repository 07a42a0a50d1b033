#include "converters/pprof/dictionary_decoder.h"

#include <algorithm>

namespace watchfire::converters {
namespace {

using profile::kNone;
using profile::StringId;
using wire::Field;
using wire::MessageReader;

Status corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}
Status broken_field(std::string_view message, uint64_t number) {
  return corrupt("field " + std::to_string(number) + " of " + std::string(message) + " has the wrong type");
}
Status broken_message(std::string_view message) {
  return corrupt("broken bytes in " + std::string(message));
}

/// A position in the string table until it is resolved; positions that no table can have become kNone.
StringId wire_position(uint64_t index) {
  return static_cast<StringId>(std::min<uint64_t>(index, kNone));
}

/// Calls `set(number, value)` for the numeric fields 1..last of a message; others are skipped.
template <typename Set>
Status read_numbers(const Field& f, std::string_view message, uint64_t last, Set set) {
  if (f.type != wire::kBytes) return broken_field("the profile", f.number);
  MessageReader reader(f);
  Field field;
  while (reader.next(field)) {
    if (field.number == 0 || field.number > last) continue;
    if (field.type != wire::kVarint) return broken_field(message, field.number);
    set(field.number, field.value);
  }
  if (reader.failed()) return broken_message(message);
  return {};
}

/// Reads a numeric field if it is the next one. What was broken before, nullptr, stays so.
inline const uint8_t* take_number(const uint8_t* p, const uint8_t* end, uint8_t tag, uint64_t& value) {
  return p == nullptr || p == end || p[0] != tag ? p : wire::read_varint(p + 1, end, value);
}

constexpr std::string_view kConcatenated = "concatenated profiles detected: more than one profile in the same body";

}  // namespace

DictionaryDecoder::DictionaryDecoder(const DecodeLimits& limits, DecodeStats& stats, Tables tables,
                                     size_t message_bytes)
    : limits_(limits), stats_(stats), tables_(tables) {
  // Room for what a profile of everyday size has; larger ones grow, and a bomb gains nothing.
  size_t most = std::min<size_t>(message_bytes / 64, 4096);
  profile_.strings.reserve(most, most * 32);
  for (auto* list : {&line_functions_, &location_mappings_}) list->reserve(most);
  wire_strings_.reserve(most);
  profile_.lines.reserve(most);
  profile_.locations.reserve(most);
  profile_.functions.reserve(most);
}

Status DictionaryDecoder::finish() {
  WF_TRY(resolve_strings());
  WF_TRY(resolve_ids());
  return resolve_locations();
}

Status DictionaryDecoder::read(const Field& f) {
  switch (f.number) {
    case 1: {
      WF_TRY(count(profile_.sample_types.size(), limits_.sample_types, "sample_types"));
      return read_value_type(f, profile_.sample_types.emplace_back());
    }
    case 2:
      return broken_field("the profile", f.number);
    case 3:
      return read_mapping(f);
    case 4:
      return read_location(f);
    case 5:
      return read_function(f);
    case 6:
      return read_string(f);
    case 11:
      profile_.period_type = {};
      return read_value_type(f, profile_.period_type);
    case 13:
      return read_comments(f);
    default:
      return read_header_number(f);
  }
}

Status DictionaryDecoder::read_header_number(const Field& f) {
  if (f.number < 7 || f.number > 15) return {};
  if (f.type != wire::kVarint) return broken_field("the profile", f.number);
  switch (f.number) {
    case 7:
      profile_.drop_frames = wire_position(f.value);
      break;
    case 8:
      profile_.keep_frames = wire_position(f.value);
      break;
    case 9:
      if (profile_.time_ns != 0) return corrupt(std::string(kConcatenated));
      profile_.time_ns = static_cast<int64_t>(f.value);
      break;
    case 10:
      profile_.duration_ns = static_cast<int64_t>(f.value);
      break;
    case 12:
      profile_.period = static_cast<int64_t>(f.value);
      break;
    case 14:
      profile_.default_sample_type = wire_position(f.value);
      break;
    case 15:
      profile_.doc_url = wire_position(f.value);
      break;
    default:
      break;
  }
  return {};
}

Status DictionaryDecoder::read_value_type(const Field& f, profile::ValueType& type) {
  return read_numbers(f, "a value type", 2, [&](uint64_t number, uint64_t value) {
    (number == 1 ? type.type : type.unit) = wire_position(value);
  });
}

Status DictionaryDecoder::read_string(const Field& f) {
  if (f.type != wire::kBytes) return broken_field("the profile", f.number);
  WF_TRY(count(wire_strings_.size(), limits_.strings, "strings"));
  if (wire_strings_.empty() && f.begin != f.end)
    return corrupt("the string table does not start with the empty string");
  string_bytes_ += f.text().size();
  if (string_bytes_ > limits_.string_bytes) {
    return fail(limit_exceeded("string_bytes", limits_.string_bytes, "bytes of strings"));
  }
  bool is_apart = tables_ == Tables::kAsOnWire && f.begin != f.end;
  wire_strings_.push_back(is_apart ? profile_.strings.append(f.text()) : profile_.strings.intern(f.text()));
  return {};
}

Status DictionaryDecoder::read_mapping(const Field& f) {
  WF_TRY(count(profile_.mappings.size(), limits_.mappings, "mappings"));
  profile::Mapping& m = profile_.mappings.emplace_back();
  return read_numbers(f, "a mapping", 10, [&](uint64_t number, uint64_t value) {
    switch (number) {
      case 1:
        m.id = value;
        break;
      case 2:
        m.start = value;
        break;
      case 3:
        m.limit = value;
        break;
      case 4:
        m.file_offset = value;
        break;
      case 5:
        m.file = wire_position(value);
        break;
      case 6:
        m.build_id = wire_position(value);
        break;
      case 7:
        m.has_functions = value != 0;
        break;
      case 8:
        m.has_filenames = value != 0;
        break;
      case 9:
        m.has_line_numbers = value != 0;
        break;
      default:
        m.has_inline_frames = value != 0;
        break;
    }
  });
}

/// A location as writers lay it out: id, mapping, address, then lines of function and line. False, with nothing read,
/// when it is laid out in another way.
bool DictionaryDecoder::read_usual_location(const Field& f) {
  profile::Location l;
  uint64_t mapping = 0;
  const uint8_t* p = take_number(f.begin, f.end, 0x08, l.id);
  p = take_number(p, f.end, 0x10, mapping);
  p = take_number(p, f.end, 0x18, l.address);
  size_t lines = profile_.lines.size();
  l.first_line = static_cast<uint32_t>(lines);
  while (p != nullptr && f.end - p >= 2 && p[0] == 0x22 && p[1] < 0x80 && p[1] <= f.end - p - 2) {
    if (profile_.lines.size() >= limits_.lines) break;  // read_line tells
    const uint8_t* line_end = p + 2 + p[1];
    uint64_t function = 0;
    uint64_t line = 0;
    p = take_number(p + 2, line_end, 0x08, function);
    p = take_number(p, line_end, 0x10, line);
    if (p != line_end) break;
    profile_.lines.push_back({.line = static_cast<int64_t>(line)});
    line_functions_.push_back(function);
  }
  size_t added = profile_.lines.size() - lines;
  if (p != f.end) {
    profile_.lines.resize(lines);
    line_functions_.resize(lines);
    return false;
  }
  stats_.elements += added;
  l.line_count = static_cast<uint32_t>(added);
  profile_.locations.push_back(l);
  location_mappings_.push_back(mapping);
  return true;
}

/// The same of a function: id, name, system name, file, first line.
bool DictionaryDecoder::read_usual_function(const Field& f) {
  uint64_t name = 0;
  uint64_t system_name = 0;
  uint64_t file = 0;
  uint64_t line = 0;
  profile::Function fn;
  const uint8_t* p = take_number(f.begin, f.end, 0x08, fn.id);
  p = take_number(p, f.end, 0x10, name);
  p = take_number(p, f.end, 0x18, system_name);
  p = take_number(p, f.end, 0x20, file);
  p = take_number(p, f.end, 0x28, line);
  if (p != f.end) return false;
  fn.name = wire_position(name);
  fn.system_name = wire_position(system_name);
  fn.file = wire_position(file);
  fn.start_line = static_cast<int64_t>(line);
  profile_.functions.push_back(fn);
  return true;
}

Status DictionaryDecoder::read_location(const Field& f) {
  if (f.type != wire::kBytes) return broken_field("the profile", f.number);
  WF_TRY(count(profile_.locations.size(), limits_.locations, "locations"));
  if (read_usual_location(f)) return {};
  profile::Location& l = profile_.locations.emplace_back();
  uint64_t mapping = 0;
  l.first_line = static_cast<uint32_t>(profile_.lines.size());
  MessageReader reader(f);
  Field field;
  while (reader.next(field)) {
    if (field.number == 4) {
      WF_TRY(read_line(field));
      ++l.line_count;
      continue;
    }
    if (field.number == 0 || field.number > 5) continue;
    if (field.type != wire::kVarint) return broken_field("a location", field.number);
    switch (field.number) {
      case 1:
        l.id = field.value;
        break;
      case 2:
        mapping = field.value;
        break;
      case 3:
        l.address = field.value;
        break;
      default:
        l.is_folded = field.value != 0;
        break;
    }
  }
  if (reader.failed()) return broken_message("a location");
  location_mappings_.push_back(mapping);
  return {};
}

Status DictionaryDecoder::read_line(const Field& f) {
  WF_TRY(count(profile_.lines.size(), limits_.lines, "lines"));
  profile::Line& line = profile_.lines.emplace_back();
  uint64_t function = 0;
  WF_TRY(read_numbers(f, "a line", 3, [&](uint64_t number, uint64_t value) {
    switch (number) {
      case 1:
        function = value;
        break;
      case 2:
        line.line = static_cast<int64_t>(value);
        break;
      default:
        line.column = static_cast<int64_t>(value);
        break;
    }
  }));
  line_functions_.push_back(function);
  return {};
}

Status DictionaryDecoder::read_function(const Field& f) {
  if (f.type != wire::kBytes) return broken_field("the profile", f.number);
  WF_TRY(count(profile_.functions.size(), limits_.functions, "functions"));
  if (read_usual_function(f)) return {};
  profile::Function& fn = profile_.functions.emplace_back();
  return read_numbers(f, "a function", 5, [&](uint64_t number, uint64_t value) {
    switch (number) {
      case 1:
        fn.id = value;
        break;
      case 2:
        fn.name = wire_position(value);
        break;
      case 3:
        fn.system_name = wire_position(value);
        break;
      case 4:
        fn.file = wire_position(value);
        break;
      default:
        fn.start_line = static_cast<int64_t>(value);
        break;
    }
  });
}

Status DictionaryDecoder::read_comments(const Field& f) {
  auto add = [&](uint64_t value) -> Status {
    WF_TRY(count(profile_.comments.size(), limits_.comments, "comments"));
    profile_.comments.push_back(wire_position(value));
    return {};
  };
  if (f.type == wire::kVarint) return add(f.value);
  if (f.type != wire::kBytes) return broken_field("the profile", f.number);
  for (const uint8_t* p = f.begin; p < f.end;) {
    uint64_t value = 0;
    p = wire::read_varint(p, f.end, value);
    if (p == nullptr) return broken_message("the comments");
    WF_TRY(add(value));
  }
  return {};
}

Status DictionaryDecoder::resolve_strings() {
  if (wire_strings_.empty()) return corrupt("no string table");
  bool ok = true;
  auto fix = [&](StringId& id) { ok = resolve(id, id) && ok; };
  auto check = [&](std::string_view what) -> Status {
    if (ok) return {};
    return corrupt("string index out of range in " + std::string(what));
  };
  profile::Profile& p = profile_;
  for (profile::Mapping& m : p.mappings) {
    fix(m.file);
    fix(m.build_id);
    constexpr std::string_view kKernel = "[kernel.kallsyms]";
    std::string_view file = ok ? p.text(m.file) : std::string_view();
    if (file.starts_with(kKernel)) {
      m.kernel_relocation_symbol = p.strings.intern(std::string(file.substr(kKernel.size())));
    }
  }
  WF_TRY(check("a mapping"));
  for (profile::Function& f : p.functions) {
    fix(f.name);
    fix(f.system_name);
    fix(f.file);
  }
  WF_TRY(check("a function"));
  for (profile::ValueType& t : p.sample_types) {
    fix(t.type);
    fix(t.unit);
  }
  for (StringId& c : p.comments) fix(c);
  for (StringId* id :
       {&p.period_type.type, &p.period_type.unit, &p.default_sample_type, &p.drop_frames, &p.keep_frames, &p.doc_url}) {
    fix(*id);
  }
  return check("the header");
}

Status DictionaryDecoder::resolve_ids() {
  IdMap functions(profile_.functions.size());
  for (uint32_t i = 0; i < profile_.functions.size(); ++i) {
    uint64_t id = profile_.functions[i].id;
    if (id == 0) return corrupt("function with reserved id 0");
    if (!functions.insert(id, i)) return corrupt("multiple functions with id " + std::to_string(id));
  }
  for (size_t i = 0; i < line_functions_.size(); ++i) {
    uint32_t index = line_functions_[i] == 0 ? kNone : functions.find(line_functions_[i]);
    if (index == kNone) return corrupt("line with unknown function " + std::to_string(line_functions_[i]));
    profile_.lines[i].function = index;
  }
  std::vector<uint64_t>().swap(line_functions_);
  return {};
}

Status DictionaryDecoder::resolve_locations() {
  IdMap mappings(profile_.mappings.size());
  for (uint32_t i = 0; i < profile_.mappings.size(); ++i) {
    uint64_t id = profile_.mappings[i].id;
    if (id == 0) return corrupt("mapping with reserved id 0");
    if (!mappings.insert(id, i)) return corrupt("multiple mappings with id " + std::to_string(id));
  }
  location_ids_ = IdMap(profile_.locations.size());
  for (uint32_t i = 0; i < profile_.locations.size(); ++i) {
    profile::Location& l = profile_.locations[i];
    if (l.id == 0) return corrupt("location with reserved id 0");
    if (!location_ids_.insert(l.id, i)) return corrupt("multiple locations with id " + std::to_string(l.id));
    l.mapping = mappings.find(location_mappings_[i]);  // an unknown mapping is none, as pprof has it
  }
  std::vector<uint64_t>().swap(location_mappings_);
  return {};
}

}  // namespace watchfire::converters
