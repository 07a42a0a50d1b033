#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "store/embedded/block_codec.h"
#include "store/embedded/block_files.h"

namespace watchfire::store {

/// A block's bytes with its dictionary decoded. Immutable once made.
struct OpenBlock {
  static Result<std::shared_ptr<const OpenBlock>> open(std::string bytes);

  std::string bytes;
  BlockReader reader;
};

/// Opens blocks, and keeps the ones opened last for the queries that follow: a digest asks for one service after the
/// other, and all their windows lie in the same blocks. Holds at most `max_bytes`. A block in use a moment ago is not
/// given up for another, so that a scan over more blocks than fit finds some of them again. Thread-safe; decodes
/// without its lock.
class BlockCache {
 public:
  BlockCache(const BlockFiles& files, size_t max_bytes) : files_(files), max_bytes_(max_bytes) {}

  Result<std::shared_ptr<const OpenBlock>> open(int64_t id);
  void set_aside(int64_t id) const { files_.set_aside(id); }
  size_t held_bytes() const;

 private:
  struct Kept {
    int64_t id = 0;
    size_t bytes = 0;
    DurationNs last_used = 0;
    std::shared_ptr<const OpenBlock> block;
  };
  void keep(int64_t id, const std::shared_ptr<const OpenBlock>& block, DurationNs now);

  const BlockFiles& files_;
  const size_t max_bytes_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::list<Kept> kept_;  // the one used last first
  std::unordered_map<int64_t, std::list<Kept>::iterator> by_id_;
  size_t bytes_ = 0;
};

}  // namespace watchfire::store
