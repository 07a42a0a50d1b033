#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/intern.h"
#include "converters/pprof/dictionary_decoder.h"

namespace watchfire::converters {

/// Ids of byte strings of a message that were decoded before, so that equal bytes need not be decoded again. Gives up
/// when the bytes hardly ever repeat.
class RepeatedBytes {
 public:
  /// A place for the id of these bytes: kNone in it when they are new.
  uint32_t& of(const uint8_t* begin, const uint8_t* end) {
    ++asked_;
    auto size = static_cast<size_t>(end - begin);
    if (size == last_size_ && std::memcmp(begin, last_, size) == 0) return ids_[last_id_];
    last_ = begin;
    last_size_ = size;
    last_id_ = known_.intern(std::span(begin, end));
    if (last_id_ == ids_.size()) ids_.push_back(profile::kNone);
    return ids_[last_id_];
  }
  bool is_useful() const { return asked_ < kTrial || ids_.size() < asked_ / 2; }
  /// In a profile with so few samples there is nothing to gain.
  static constexpr size_t kLeastSamples = 4096;

 private:
  static constexpr size_t kTrial = 32768;
  SpanTable<uint8_t> known_;
  std::vector<uint32_t> ids_ = {profile::kNone};  // of the empty string, which nobody asks for
  size_t asked_ = 0;
  const uint8_t* last_ = nullptr;  // in the message
  size_t last_size_ = 0;
  uint32_t last_id_ = 0;
};

/// Second pass over a profile.proto: the samples, straight into the columns. Allocates nothing per sample but what
/// a new stack or label set takes. Samples as all writers lay them out (locations, values, labels) take a short way:
/// what has the bytes of an earlier stack or set of labels has its id.
class SampleDecoder {
 public:
  SampleDecoder(std::string_view message, const DecodeLimits& limits, DecodeStats& stats,
                DictionaryDecoder& dictionary);

  Status run();

 private:
  Status read_sample(const uint8_t* p, const uint8_t* end);
  Result<bool> read_known_layout(const uint8_t* p, const uint8_t* end);
  Status intern_labels(const uint8_t* p, const uint8_t* end, uint32_t& set, bool& is_labels);
  Status count_sample(size_t depth, size_t labels);
  bool is_large() const { return dictionary_.sample_count() >= RepeatedBytes::kLeastSamples; }
  Status read_fields(const uint8_t* p, const uint8_t* end);
  Status read_locations(const wire::Field& f);
  Status read_packed_locations(const wire::Field& f);
  Status add_location(uint64_t id);
  Status read_values(const wire::Field& f);
  Status add_value(uint64_t value);
  Status read_label(const wire::Field& f);
  Status too_deep() const;

  std::string_view message_;
  const DecodeLimits& limits_;
  DecodeStats& stats_;
  DictionaryDecoder& dictionary_;
  profile::Profile& profile_;
  size_t sample_ = 0;
  uint64_t frames_ = 0;
  uint64_t labels_total_ = 0;
  RepeatedBytes stack_bytes_;
  RepeatedBytes label_bytes_;

  // of the current sample
  std::vector<uint32_t> stack_;
  size_t depth_ = 0;
  size_t values_ = 0;
  std::vector<profile::Label> labels_;
};

}  // namespace watchfire::converters
