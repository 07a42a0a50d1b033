#include "converters/pprof/sample_decoder.h"

#include <algorithm>

#include "base/memory.h"

namespace watchfire::converters {
namespace {

using profile::kNone;
using wire::Field;
using wire::MessageReader;

constexpr uint8_t kLocations = 0x0a;  // tags of the fields as writers lay them out
constexpr uint8_t kValue = 0x10;
constexpr uint8_t kValues = 0x12;
constexpr uint8_t kLabel = 0x1a;
constexpr size_t kFirstRoom = 1024;
constexpr size_t kStacksApart = 4096;

Status corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

Status wrong_values(size_t sample, size_t values, size_t types) {
  return corrupt("sample " + std::to_string(sample) + " has " + std::to_string(values) + " values for " +
                 std::to_string(types) + " sample types");
}

/// How many varints end in these bytes.
uint32_t count_varints(std::span<const uint8_t> bytes) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  uint32_t n = 0;
  const uint8_t* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    n += static_cast<uint32_t>(((~word >> 7 & kOnes) * kOnes) >> 56);
  }
  for (; left > 0; --left, ++p) n += *p < 0x80 ? 1 : 0;
  return n;
}

size_t count_values(const uint8_t* p, const uint8_t* end) {
  size_t n = 0;
  MessageReader reader(p, end);
  for (Field f; reader.next(f);) {
    if (f.number != 2) continue;
    n += f.type == wire::kBytes ? count_varints({f.begin, f.end}) : 1;
  }
  return n;
}

}  // namespace

SampleDecoder::SampleDecoder(const DecodeLimits& limits, DecodeStats& stats, profile::Profile& profile,
                             size_t message_bytes)
    : limits_(limits),
      stats_(stats),
      profile_(profile),
      message_bytes_(message_bytes),
      stack_bytes_(kStacksApart),
      label_bytes_(0),
      depths_(1) {}

Status SampleDecoder::broken() const {
  return corrupt("broken bytes in sample " + std::to_string(sample_));
}

Status SampleDecoder::read(const uint8_t* p, const uint8_t* end, size_t consumed) {
  if (sample_ == room_) WF_TRY(make_room(p, end, consumed));
  ++stats_.elements;
  if (p == end) return corrupt("sample " + std::to_string(sample_) + " has no values");
  if (is_known_layout(p, end)) return add_sample();
  tail_size_ = 0;
  WF_TRY(read_any_layout(p, end));
  return add_sample();
}

/// More room in the columns, as much as the message seems to need; what was seen of it bounds the guess.
Status SampleDecoder::make_room(const uint8_t* p, const uint8_t* end, size_t consumed) {
  if (sample_ == 0) {
    size_t types = count_values(p, end);  // those of the header may not all have come
    if (types > limits_.sample_types)
      return fail(limit_exceeded("sample_types", limits_.sample_types, "values in a sample"));
    profile_.values.resize(types);
    row_.resize(types);
  }
  uint64_t types = std::max<size_t>(row_.size(), 1);
  if (sample_ >= limits_.samples) return fail(limit_exceeded("samples", limits_.samples, "samples"));
  if (sample_ >= limits_.values / types) return fail(limit_exceeded("values", limits_.values, "values"));
  size_t room = std::max<size_t>(sample_ * 2, std::min<size_t>(kFirstRoom, message_bytes_ / 16 + 16));
  if (sample_ != 0 && consumed != 0) {
    double guess = static_cast<double>(sample_) * static_cast<double>(message_bytes_) / static_cast<double>(consumed);
    room = std::max(room, static_cast<size_t>(std::min(guess * 1.05, static_cast<double>(sample_) * 64)));
  }
  room_ = std::min<uint64_t>({room, limits_.samples, limits_.values / types});
  reserve_large(profile_.sample_stacks, room_);
  reserve_large(profile_.sample_label_sets, room_);
  for (auto& column : profile_.values) reserve_large(column, room_);
  return {};
}

/// One packed field of locations, then values, then labels only: what writers write for all but the shortest stacks.
bool SampleDecoder::is_known_layout(const uint8_t* p, const uint8_t* end) {
  if (p[0] != kLocations) return false;
  uint64_t size = 0;
  p = wire::read_varint(p + 1, end, size);
  if (p == nullptr || size > static_cast<size_t>(end - p)) return false;
  stack_ = {p, size};
  p += size;
  auto tail = static_cast<size_t>(end - p);
  if (tail_size_ != 0 && tail == tail_size_ && equal_bytes(p, tail_.data(), tail)) return true;
  if (!read_tail(p, end)) return false;
  tail_size_ = tail <= tail_.size() ? tail : 0;
  std::copy_n(p, tail_size_, tail_.data());
  return true;
}

bool SampleDecoder::read_tail(const uint8_t* p, const uint8_t* end) {
  size_t n = 0;
  size_t types = row_.size();
  uint64_t value = 0;
  if (p < end && p[0] == kValues) {
    uint64_t size = 0;
    p = wire::read_varint(p + 1, end, size);
    if (p == nullptr || size > static_cast<size_t>(end - p)) return false;
    for (const uint8_t* values_end = p + size; p < values_end; row_[n++] = static_cast<int64_t>(value)) {
      p = wire::read_varint(p, values_end, value);
      if (p == nullptr || n == types) return false;
    }
  } else {
    for (; p < end && p[0] == kValue; row_[n++] = static_cast<int64_t>(value)) {
      p = wire::read_varint(p + 1, end, value);
      if (p == nullptr || n == types) return false;
    }
  }
  if (n != types) return false;
  label_count_ = 0;
  label_number_ = 0;
  if (p == end) return true;
  std::span<const uint8_t> run(p, end);
  for (; p < end; ++label_count_) {
    if (end - p < 2 || p[0] != kLabel || p[1] >= 0x80 || p[1] > end - p - 2) return false;
    p += 2 + p[1];
  }
  if (label_count_ > limits_.labels_per_sample) return false;
  label_number_ = label_bytes_.number_of(run);
  return true;
}

/// Fields in any order, split or not packed: brought into the layout that is kept.
Status SampleDecoder::read_any_layout(const uint8_t* p, const uint8_t* end) {
  values_ = 0;
  label_count_ = 0;
  packed_stack_.clear();
  packed_labels_.clear();
  MessageReader reader(p, end);
  const uint8_t* start = p;
  for (Field f; reader.next(f); start = reader.position()) {
    if (f.number == 1) {
      WF_TRY(read_location(f));
    } else if (f.number == 2) {
      WF_TRY(read_values(f));
    } else if (f.number == 3) {
      if (f.type != wire::kBytes) return corrupt("field 3 of a sample has the wrong type");
      if (++label_count_ > limits_.labels_per_sample)
        return fail(limit_exceeded("labels_per_sample", limits_.labels_per_sample, "labels on one sample"));
      packed_labels_.insert(packed_labels_.end(), start, reader.position());
    }
  }
  if (reader.failed()) return broken();
  if (values_ != row_.size()) {
    size_t types = profile_.sample_types.size();
    bool is_first_wrong = types != 0 && types != row_.size();
    return is_first_wrong ? wrong_values(0, row_.size(), types) : wrong_values(sample_, values_, row_.size());
  }
  stack_ = packed_stack_;
  label_number_ = packed_labels_.empty() ? 0 : label_bytes_.number_of(packed_labels_);
  return {};
}

Status SampleDecoder::read_location(const Field& f) {
  if (f.type == wire::kBytes) {
    packed_stack_.insert(packed_stack_.end(), f.begin, f.end);
    if (f.begin != f.end && f.end[-1] >= 0x80) return broken();
    return {};
  }
  if (f.type != wire::kVarint) return corrupt("field 1 of a sample has the wrong type");
  uint64_t id = f.value;
  for (; id >= 0x80; id >>= 7) packed_stack_.push_back(static_cast<uint8_t>(id | 0x80));
  packed_stack_.push_back(static_cast<uint8_t>(id));
  return {};
}

void SampleDecoder::add_value(uint64_t value) {
  if (values_ < row_.size()) row_[values_] = static_cast<int64_t>(value);
  ++values_;
}

Status SampleDecoder::read_values(const Field& f) {
  if (f.type == wire::kVarint) {
    add_value(f.value);
    return {};
  }
  if (f.type != wire::kBytes) return corrupt("field 2 of a sample has the wrong type");
  for (const uint8_t* p = f.begin; p < f.end;) {
    uint64_t value = 0;
    p = wire::read_varint(p, f.end, value);
    if (p == nullptr) return broken();
    add_value(value);
  }
  return {};
}

Status SampleDecoder::add_sample() {
  uint32_t stack = stack_bytes_.number_of(stack_);
  if (stack == depths_.size()) WF_TRY(count_stack());
  frames_ += depths_[stack];
  labels_ += label_count_;
  stats_.elements += depths_[stack] + label_count_;
  if (frames_ > limits_.frames) return fail(limit_exceeded("frames", limits_.frames, "frames in its stacks"));
  if (labels_ > limits_.labels) return fail(limit_exceeded("labels", limits_.labels, "labels"));
  profile_.sample_stacks.push_back(stack);
  profile_.sample_label_sets.push_back(label_number_);
  for (size_t t = 0; t < row_.size(); ++t) profile_.values[t].push_back(row_[t]);
  ++sample_;
  return {};
}

Status SampleDecoder::count_stack() {
  uint32_t depth = count_varints(stack_);
  if (depth > limits_.stack_depth)
    return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
  if (stack_.size() > 10 * size_t{depth} || (depth != 0 && stack_.back() >= 0x80)) return broken();
  depths_.push_back(depth);
  return {};
}

Status SampleDecoder::finish(const DictionaryDecoder& dictionary, Tables tables) {
  size_t types = profile_.sample_types.size();
  if (sample_ != 0 && types == 0) return corrupt("missing sample type information");
  if (sample_ != 0 && row_.size() != types) return wrong_values(0, row_.size(), types);
  profile_.values.resize(types);

  bool is_apart = tables == Tables::kAsOnWire;
  bool stays = true;
  std::vector<uint32_t> ids(stack_bytes_.size());
  size_t elements = 0;
  for (uint32_t depth : depths_) elements += depth;
  profile_.stacks.reserve(ids.size(), elements);
  for (uint32_t n = 1; n < ids.size(); ++n) {
    WF_TRY(decode_stack(n, dictionary.location_ids()));
    ids[n] = is_apart ? profile_.stacks.append(scratch_stack_) : profile_.stacks.intern(scratch_stack_);
    stays = stays && ids[n] == n;
  }
  if (!stays)
    for (uint32_t& id : profile_.sample_stacks) id = ids[id];

  stays = true;
  ids.resize(label_bytes_.size());
  for (uint32_t n = 1; n < ids.size(); ++n) {
    WF_TRY(decode_labels(n, dictionary));
    ids[n] = profile_.label_sets.intern(scratch_labels_);
    stays = stays && ids[n] == n;
  }
  if (!stays)
    for (uint32_t& id : profile_.sample_label_sets) id = ids[id];
  return {};
}

std::string SampleDecoder::first_with_stack(uint32_t number) const {
  auto at = std::ranges::find(profile_.sample_stacks, number);
  return "sample " + std::to_string(at - profile_.sample_stacks.begin());
}

std::string SampleDecoder::first_with_labels(uint32_t number) const {
  auto at = std::ranges::find(profile_.sample_label_sets, number);
  return "sample " + std::to_string(at - profile_.sample_label_sets.begin());
}

Status SampleDecoder::decode_stack(uint32_t number, const IdMap& ids) {
  std::span<const uint8_t> bytes = stack_bytes_[number];
  scratch_stack_.resize(depths_[number]);
  std::span<const uint32_t> dense = ids.dense();
  uint32_t missing = 0;
  const uint8_t* p = bytes.data();
  const uint8_t* end = p + bytes.size();
  for (uint32_t& index : scratch_stack_) {
    uint64_t id = 0;
    uint32_t longer = p < end ? p[0] >> 7 : 1;
    if (end - p >= 2 && (longer & p[1] >> 7) == 0) [[likely]] {
      // One or two bytes, in any mixture: without a branch that their lengths could surprise.
      id = (p[0] & 0x7fu) | ((uint32_t{p[1]} << 7) & (0 - longer));
      p += 1 + longer;
    } else {
      p = wire::read_varint(p, end, id);
      if (p == nullptr) return corrupt("broken bytes in " + first_with_stack(number));
    }
    index = id < dense.size() ? dense[id] : ids.find(id);
    missing |= index == kNone;
  }
  if (missing != 0) return corrupt(first_with_stack(number) + " has an unknown location");
  return {};
}

Status SampleDecoder::decode_labels(uint32_t number, const DictionaryDecoder& dictionary) {
  scratch_labels_.clear();
  std::span<const uint8_t> run = label_bytes_[number];
  MessageReader reader(run.data(), run.data() + run.size());
  for (Field f; reader.next(f);) WF_TRY(decode_label(f, number, dictionary));
  return {};
}

Status SampleDecoder::decode_label(const Field& f, uint32_t number, const DictionaryDecoder& dictionary) {
  uint64_t parts[5] = {};  // by field number: key, str, num, unit
  MessageReader reader(f);
  Field field;
  while (reader.next(field)) {
    if (field.number == 0 || field.number > 4) continue;
    if (field.type != wire::kVarint) return corrupt("a field of a label has the wrong type");
    parts[field.number] = field.value;
  }
  if (reader.failed()) return corrupt("broken bytes in a label of " + first_with_labels(number));
  profile::Label label;
  label.is_number = parts[2] == 0;
  bool known = dictionary.resolve(parts[1], label.key);
  if (label.is_number == 0) {
    known = dictionary.resolve(parts[2], label.str) && known;
  } else {
    if (parts[3] == 0 && parts[4] == 0) return {};  // neither a string nor a number: the wire cannot tell a 0
    label.num = static_cast<int64_t>(parts[3]);
    known = dictionary.resolve(parts[4], label.unit) && known;
  }
  if (!known) return corrupt("string index out of range in a label of " + first_with_labels(number));
  scratch_labels_.push_back(label);
  return {};
}

}  // namespace watchfire::converters
