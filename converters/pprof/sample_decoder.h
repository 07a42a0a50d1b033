#pragma once

#include <string_view>
#include <vector>

#include "converters/pprof/dictionary_decoder.h"

namespace watchfire::converters {

/// Second pass over a profile.proto: the samples, straight into the columns. Allocates nothing per sample but what
/// a new stack or label set takes.
class SampleDecoder {
 public:
  SampleDecoder(std::string_view message, const DecodeLimits& limits, DecodeStats& stats,
                DictionaryDecoder& dictionary);

  Status run();

 private:
  Status read_sample(const uint8_t* p, const uint8_t* end);
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

  // of the current sample
  std::vector<uint32_t> stack_;
  size_t depth_ = 0;
  size_t values_ = 0;
  std::vector<profile::Label> labels_;
};

}  // namespace watchfire::converters
