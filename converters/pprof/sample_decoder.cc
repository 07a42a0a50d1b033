#include "converters/pprof/sample_decoder.h"

#include "base/large_pages.h"

namespace watchfire::converters {
namespace {

using profile::kNone;
using wire::Field;
using wire::MessageReader;

Status corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message));
}

}  // namespace

SampleDecoder::SampleDecoder(std::string_view message, const DecodeLimits& limits, DecodeStats& stats,
                             DictionaryDecoder& dictionary)
    : message_(message), limits_(limits), stats_(stats), dictionary_(dictionary), profile_(dictionary.profile()) {}

Status SampleDecoder::run() {
  size_t n = dictionary_.sample_count();
  size_t types = profile_.sample_types.size();
  if (n != 0 && types == 0) return corrupt("missing sample type information");
  if (n * types > limits_.values) return fail(limit_exceeded("values", limits_.values, "values"));
  if (n * types > message_.size()) return corrupt("samples with fewer values than sample types");
  reserve_large(profile_.sample_stacks, n);
  reserve_large(profile_.sample_label_sets, n);
  profile_.values.resize(types);
  for (auto& column : profile_.values) {
    reserve_large(column, n);
    column.resize(n);
  }

  const auto* begin = reinterpret_cast<const uint8_t*>(message_.data());
  MessageReader reader(begin, begin + message_.size());
  Field f;
  while (reader.next(f)) {
    if (f.number != 2) continue;
    WF_TRY(read_sample(f.begin, f.end));
    ++sample_;
  }
  return {};
}

Status SampleDecoder::read_sample(const uint8_t* p, const uint8_t* end) {
  depth_ = 0;
  values_ = 0;
  labels_.clear();
  if (stack_bytes_.is_useful()) {
    WF_ASSIGN(bool done, read_known_layout(p, end));
    if (done) return {};
    depth_ = 0;
    values_ = 0;
    labels_.clear();
  }
  WF_TRY(read_fields(p, end));
  WF_TRY(count_sample(depth_, labels_.size()));
  profile_.sample_stacks.push_back(profile_.stacks.intern(std::span(stack_.data(), depth_)));
  profile_.sample_label_sets.push_back(labels_.empty() ? 0 : profile_.label_sets.intern(labels_));
  return {};
}

/// Checks the number of values and counts the sample's parts against the limits.
Status SampleDecoder::count_sample(size_t depth, size_t labels) {
  if (values_ != profile_.sample_types.size()) {
    return corrupt("sample " + std::to_string(sample_) + " has " + std::to_string(values_) + " values for " +
                   std::to_string(profile_.sample_types.size()) + " sample types");
  }
  frames_ += depth;
  labels_total_ += labels;
  stats_.elements += depth + labels;
  if (frames_ > limits_.frames) return fail(limit_exceeded("frames", limits_.frames, "frames in its stacks"));
  if (labels_total_ > limits_.labels) return fail(limit_exceeded("labels", limits_.labels, "labels"));
  return {};
}

/// One packed field of locations, values, then labels only. False when the sample is laid out in another way.
Result<bool> SampleDecoder::read_known_layout(const uint8_t* p, const uint8_t* end) {
  Field stack;
  MessageReader reader(p, end);
  if (p == end || p[0] != 0x0a || !reader.next(stack) || stack.begin == stack.end) return false;
  p = reader.position();
  if (p < end && p[0] == 0x12) {
    Field values;
    MessageReader rest(p, end);
    if (!rest.next(values)) return false;
    WF_TRY(read_values(values));
    p = rest.position();
  } else {
    while (p < end && p[0] == 0x10) {
      uint64_t value = 0;
      p = wire::read_varint(p + 1, end, value);
      if (p == nullptr) return false;
      WF_TRY(add_value(value));
    }
  }
  uint32_t set = 0;
  if (p < end) {
    bool is_labels = false;
    WF_TRY(intern_labels(p, end, set, is_labels));
    if (!is_labels) return false;
  }
  uint32_t uncached = kNone;
  uint32_t& id = is_large() ? stack_bytes_.of(stack.begin, stack.end) : uncached;
  if (id == kNone) {
    WF_TRY(read_packed_locations(stack));
    id = profile_.stacks.intern(std::span(stack_.data(), depth_));
  }
  WF_TRY(count_sample(profile_.stacks[id].size(), profile_.label_sets[set].size()));
  profile_.sample_stacks.push_back(id);
  profile_.sample_label_sets.push_back(set);
  return true;
}

/// The set of labels of these bytes, when they are labels only.
Status SampleDecoder::intern_labels(const uint8_t* p, const uint8_t* end, uint32_t& set, bool& is_labels) {
  if (p[0] != 0x1a) return {};
  uint32_t uncached = kNone;
  uint32_t& id = is_large() && label_bytes_.is_useful() ? label_bytes_.of(p, end) : uncached;
  if (id == kNone) {
    MessageReader reader(p, end);
    Field f;
    while (reader.next(f)) {
      if (f.number != 3) return {};
      WF_TRY(read_label(f));
    }
    if (reader.failed()) return {};
    id = labels_.empty() ? 0 : profile_.label_sets.intern(labels_);
  }
  set = id;
  is_labels = true;
  return {};
}

Status SampleDecoder::read_fields(const uint8_t* p, const uint8_t* end) {
  Field f;
  while (p < end) {
    if (end - p >= 2 && p[1] < 0x80 && (p[0] == 0x0a || p[0] == 0x12 || p[0] == 0x1a) && end - p - 2 >= p[1]) {
      // The fields writers make, with short lengths: nearly all of a profile's bytes pass here.
      f.number = p[0] >> 3;
      f.type = wire::kBytes;
      f.begin = p + 2;
      f.end = f.begin + p[1];
      p = f.end;
    } else if (p[0] == 0x10) {
      uint64_t value = 0;
      p = wire::read_varint(p + 1, end, value);
      if (p == nullptr) return corrupt("broken bytes in sample " + std::to_string(sample_));
      WF_TRY(add_value(value));
      continue;
    } else {
      MessageReader reader(p, end);
      if (!reader.next(f)) return corrupt("broken bytes in sample " + std::to_string(sample_));
      p = reader.position();
    }
    switch (f.number) {
      case 1:
        WF_TRY(read_locations(f));
        break;
      case 2:
        WF_TRY(read_values(f));
        break;
      case 3:
        WF_TRY(read_label(f));
        break;
      default:
        break;
    }
  }
  return {};
}

Status SampleDecoder::read_locations(const Field& f) {
  if (f.type == wire::kBytes) return read_packed_locations(f);
  if (f.type == wire::kVarint) return add_location(f.value);
  return corrupt("field 1 of a sample has the wrong type");
}

Status SampleDecoder::too_deep() const {
  return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
}

Status SampleDecoder::read_packed_locations(const Field& f) {
  size_t bytes = static_cast<size_t>(f.end - f.begin);
  if (bytes / 10 > limits_.stack_depth) return too_deep();
  if (stack_.size() < depth_ + bytes) stack_.resize((depth_ + bytes) * 2);
  const IdMap& ids = dictionary_.location_ids();
  uint32_t* out = stack_.data() + depth_;
  uint32_t missing = 0;
  const uint8_t* p = f.begin;
  while (p < f.end) {
    uint64_t id = 0;
    uint32_t longer = p[0] >> 7;
    if (f.end - p >= 2 && (longer & p[1] >> 7) == 0) [[likely]] {
      // One or two bytes, in any mixture: without a branch that their lengths could surprise.
      id = (p[0] & 0x7fu) | ((uint32_t{p[1]} << 7) & (0 - longer));
      p += 1 + longer;
    } else {
      p = wire::read_varint(p, f.end, id);
      if (p == nullptr) return corrupt("broken bytes in sample " + std::to_string(sample_));
    }
    uint32_t index = ids.find(id);
    missing |= index == kNone;
    *out++ = index;
  }
  depth_ = static_cast<size_t>(out - stack_.data());
  if (missing != 0) return corrupt("sample " + std::to_string(sample_) + " has an unknown location");
  if (depth_ > limits_.stack_depth) return too_deep();
  return {};
}

Status SampleDecoder::add_location(uint64_t id) {
  if (depth_ >= limits_.stack_depth) return too_deep();
  uint32_t index = dictionary_.location_ids().find(id);
  if (index == kNone)
    return corrupt("sample " + std::to_string(sample_) + " has an unknown location " + std::to_string(id));
  if (depth_ >= stack_.size()) stack_.resize(depth_ * 2 + 64);
  stack_[depth_++] = index;
  return {};
}

Status SampleDecoder::add_value(uint64_t value) {
  if (values_ >= profile_.values.size()) {
    return corrupt("sample " + std::to_string(sample_) + " has more values than there are sample types");
  }
  profile_.values[values_++][sample_] = static_cast<int64_t>(value);
  return {};
}

Status SampleDecoder::read_values(const Field& f) {
  if (f.type == wire::kVarint) return add_value(f.value);
  if (f.type != wire::kBytes) return corrupt("field 2 of a sample has the wrong type");
  for (const uint8_t* p = f.begin; p < f.end;) {
    uint64_t value = 0;
    p = wire::read_varint(p, f.end, value);
    if (p == nullptr) return corrupt("broken bytes in sample " + std::to_string(sample_));
    WF_TRY(add_value(value));
  }
  return {};
}

Status SampleDecoder::read_label(const Field& f) {
  if (f.type != wire::kBytes) return corrupt("field 3 of a sample has the wrong type");
  if (labels_.size() >= limits_.labels_per_sample) {
    return fail(limit_exceeded("labels_per_sample", limits_.labels_per_sample, "labels on one sample"));
  }
  uint64_t parts[5] = {};  // by field number: key, str, num, unit
  MessageReader reader(f);
  Field field;
  while (reader.next(field)) {
    if (field.number == 0 || field.number > 4) continue;
    if (field.type != wire::kVarint) return corrupt("a field of a label has the wrong type");
    parts[field.number] = field.value;
  }
  if (reader.failed()) return corrupt("broken bytes in a label of sample " + std::to_string(sample_));
  profile::Label label;
  label.is_number = parts[2] == 0;
  bool known = dictionary_.resolve(parts[1], label.key);
  if (label.is_number == 0) {
    known = dictionary_.resolve(parts[2], label.str) && known;
  } else {
    if (parts[3] == 0 && parts[4] == 0) return {};  // neither a string nor a number: the wire cannot tell a 0
    label.num = static_cast<int64_t>(parts[3]);
    known = dictionary_.resolve(parts[4], label.unit) && known;
  }
  if (!known) return corrupt("string index out of range in a label of sample " + std::to_string(sample_));
  labels_.push_back(label);
  return {};
}

}  // namespace watchfire::converters
