#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "store/store.h"

namespace watchfire::store {

/// Settings of the embedded store; the defaults are on from the first start.
struct EmbeddedOptions {
  std::string directory;
  uint64_t max_bytes = 2ull << 30;       ///< all files together; the oldest profiles go first
  DurationNs max_age = 30 * 24 * kHour;  ///< by a profile's end against the newest one's; one block a minute at most,
                                         ///< so that a clock that stepped ahead for a while costs little
  size_t max_series = 10'000;            ///< beyond, profiles go to service_name="other"
  size_t head_profiles = 2000;           ///< that many profiles make a block: a block's dictionary serves all of them
  uint64_t head_bytes = 8u << 20;        ///< or that many bytes of them
  DurationNs head_age = 5 * kMinute;     ///< or that much time

  /// Ways to be wrong, for the tests that must notice. Production never sets them.
  enum class Fault { kNone, kAcknowledgeBeforeCommit, kNoSync };
  Fault fault_for_test = Fault::kNone;
};

/// The default store: one directory, no server.
///
///   FORMAT            "watchfire-store 1"
///   LOCK              held by the one process that has the store open
///   catalog.sqlite    series, where each profile lies, the head (profiles not yet in a block), symbols
///   blocks/N.block    immutable blocks, see block_codec.h
///
/// A profile is durable once its catalog transaction is; a writer thread joins what arrives together into one
/// commit. Blocks are made from the head in the background: file first (synced, renamed), then one transaction, so
/// a crash leaves a profile in exactly one place. Damaged blocks are set aside and counted; the rest is served.
///
/// Errors of open(): kPermissionDenied (read-only), kResourceExhausted (full), kUnsupported (a newer format),
/// kUnavailable (locked by another daemon).
class EmbeddedStore {
 public:
  static Result<std::unique_ptr<Store>> open(const EmbeddedOptions& options);
};

}  // namespace watchfire::store
