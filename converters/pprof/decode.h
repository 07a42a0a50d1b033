#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// How the tables of a profile are filled.
enum class Tables {
  kDistinct,  ///< as the profile's invariants have it
  /// As they stand on the wire: strings and stacks may be there twice. Good for a Merger, which looks them up anyhow,
  /// and for nothing else.
  kAsOnWire,
};

/// Reads a profile.proto: plain, gzip or zstd. Hostile input costs at most what `limits` allow. The result
/// satisfies profile::validate and is not pruned: drop_frames and keep_frames are applied by reports
/// (profile/prune.h). `stats`, when given, is filled also on failure.
///
/// Errors: kResourceExhausted names the limit, kCorrupt says what is broken or what else the bytes look like.
Result<profile::Profile> decode_pprof(std::string_view bytes, const DecodeLimits& limits = {},
                                      DecodeStats* stats = nullptr, Tables tables = Tables::kDistinct);

/// As decode_pprof, for bytes that are inflated already.
Result<profile::Profile> decode_pprof_message(std::string_view message, const DecodeLimits& limits = {},
                                              DecodeStats* stats = nullptr, Tables tables = Tables::kDistinct);

/// As decode_pprof, for gzip that is worth a second thread: the message is read piece by piece while the rest is being
/// inflated, and never held as a whole.
Result<profile::Profile> decode_pprof_in_pieces(std::string_view gzip, const DecodeLimits& limits = {},
                                                DecodeStats* stats = nullptr);

/// What bytes that are no profile look like, for error messages: "looks like HTML", "is empty"; "" when unknown.
std::string_view looks_like(std::string_view bytes);

}  // namespace watchfire::converters
