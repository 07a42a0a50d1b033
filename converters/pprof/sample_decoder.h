#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "base/intern.h"
#include "converters/pprof/dictionary_decoder.h"

namespace watchfire::converters {

/// Runs of bytes of a message, by number; 0 is the empty run. Equal bytes get the same number where that is cheaper
/// than reading them again: not among the first few, nor when they hardly ever repeat.
class RepeatedBytes {
 public:
  /// The first `apart` runs are not compared with one another.
  explicit RepeatedBytes(size_t apart) : apart_(apart) {}

  uint32_t number_of(std::span<const uint8_t> bytes) {
    if (is(last_, bytes)) return last_;
    ++asked_;
    if (asked_ <= apart_ || (asked_ >= kTrial && runs_.size() >= asked_ / 2)) return last_ = runs_.append(bytes);
    // Merged profiles tell the same story again and again: what came after the last one before often does so now.
    if (last_ >= next_.size()) next_.resize(runs_.size());
    uint32_t next = next_[last_];
    if (next == 0 || !is(next, bytes)) next = next_[last_] = runs_.intern(bytes);
    return last_ = next;
  }
  uint32_t size() const { return runs_.size(); }
  std::span<const uint8_t> operator[](uint32_t number) const { return runs_[number]; }

 private:
  static constexpr size_t kTrial = 32768;
  bool is(uint32_t number, std::span<const uint8_t> bytes) const {
    std::span<const uint8_t> known = runs_[number];
    return bytes.size() == known.size() && equal_bytes(bytes.data(), known.data(), bytes.size());
  }

  SpanTable<uint8_t> runs_;
  std::vector<uint32_t> next_ = std::vector<uint32_t>(1);  ///< of each run, the one that came after it; 0: unknown
  size_t apart_;
  size_t asked_ = 0;
  uint32_t last_ = 0;
};

/// The samples of a profile.proto, straight into the columns of a profile. On the wire they stand before what they
/// name, so the bytes of their locations and labels are kept, distinct ones once where they repeat, and read when the
/// dictionary is complete. A sample whose values and labels are those of the sample before costs no reading of them.
class SampleDecoder {
 public:
  /// `message_bytes` is about how long the message is, 0 if unknown; it only saves growing.
  SampleDecoder(const DecodeLimits& limits, DecodeStats& stats, profile::Profile& profile, size_t message_bytes);

  /// One sample; `consumed` is how much of the message came before it.
  Status read(const uint8_t* p, const uint8_t* end, size_t consumed);
  /// Reads what the samples name.
  Status finish(const DictionaryDecoder& dictionary, Tables tables);

 private:
  Status make_room(const uint8_t* p, const uint8_t* end, size_t consumed);
  bool is_known_layout(const uint8_t* p, const uint8_t* end);
  bool read_tail(const uint8_t* p, const uint8_t* end);
  Status read_any_layout(const uint8_t* p, const uint8_t* end);
  Status read_location(const wire::Field& f);
  Status read_values(const wire::Field& f);
  void add_value(uint64_t value);
  Status add_sample();
  Status count_stack();
  Status decode_stack(uint32_t number, const IdMap& ids);
  Status decode_labels(uint32_t number, const DictionaryDecoder& dictionary);
  Status decode_label(const wire::Field& f, uint32_t number, const DictionaryDecoder& dictionary);
  Status broken() const;
  std::string first_with_stack(uint32_t number) const;
  std::string first_with_labels(uint32_t number) const;

  const DecodeLimits& limits_;
  DecodeStats& stats_;
  profile::Profile& profile_;
  size_t message_bytes_;
  size_t sample_ = 0;  ///< how many are complete
  size_t room_ = 0;    ///< for how many there is room in the columns
  uint64_t frames_ = 0;
  uint64_t labels_ = 0;
  RepeatedBytes stack_bytes_;
  RepeatedBytes label_bytes_;
  std::vector<uint32_t> depths_;  ///< of each run of stack_bytes_

  // of the current sample
  std::span<const uint8_t> stack_;
  std::vector<int64_t> row_;
  size_t values_ = 0;  ///< how many it has; only as many as the first one had are kept
  size_t label_count_ = 0;
  uint32_t label_number_ = 0;
  std::vector<uint8_t> packed_stack_;  ///< what stack_ shows when the sample is laid out in another way
  std::vector<uint8_t> packed_labels_;

  /// The bytes behind the locations of the sample that row_ and label_number_ hold; longer ones are not kept.
  std::array<uint8_t, 64> tail_;
  size_t tail_size_ = 0;

  std::vector<uint32_t> scratch_stack_;
  std::vector<profile::Label> scratch_labels_;
};

}  // namespace watchfire::converters
