#pragma once

#include <string_view>

#include "converters/pprof/decode.h"
#include "converters/pprof/dictionary_decoder.h"
#include "converters/pprof/sample_decoder.h"

namespace watchfire::converters {

/// Decodes a profile.proto in one pass, whole or piece by piece as it is inflated: nothing of a piece is needed once it
/// was read, so memory follows the profile's distinct parts and its samples, not the message. `limits` and `stats` must
/// outlive it.
class MessageDecoder {
 public:
  /// `message_bytes` is about how long the message is, 0 if unknown; it only saves growing.
  MessageDecoder(const DecodeLimits& limits, DecodeStats& stats, Tables tables, size_t message_bytes)
      : stats_(stats),
        tables_(tables),
        dictionary_(limits, stats, tables, message_bytes),
        samples_(limits, stats, dictionary_.profile(), message_bytes) {}

  /// Reads the fields that are whole in `bytes`, and says in `read` how much that was: the rest must come again, at
  /// the front of the next piece. In the last piece everything has to be whole.
  Status read(std::string_view bytes, bool is_last, size_t& read);
  Result<profile::Profile> finish();

 private:
  DecodeStats& stats_;
  Tables tables_;
  size_t done_ = 0;  ///< bytes of the message that were read
  DictionaryDecoder dictionary_;
  SampleDecoder samples_;
};

}  // namespace watchfire::converters
