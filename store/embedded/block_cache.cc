#include "store/embedded/block_cache.h"

#include "base/counters.h"

namespace watchfire::store {
namespace {
constexpr DurationNs kInUse = 10 * kSecond;
}

Result<std::shared_ptr<const OpenBlock>> OpenBlock::open(std::string bytes) {
  auto block = std::make_shared<OpenBlock>();
  block->bytes = std::move(bytes);
  WF_ASSIGN(block->reader, BlockReader::open(block->bytes));
  return std::shared_ptr<const OpenBlock>(std::move(block));
}

Result<std::shared_ptr<const OpenBlock>> BlockCache::open(int64_t id) {
  DurationNs now = boot_ns();
  {
    std::lock_guard lock(mutex_);
    if (auto it = by_id_.find(id); it != by_id_.end()) {
      it->second->last_used = now;
      kept_.splice(kept_.begin(), kept_, it->second);
      count("store_block_cache_hits_total");
      return it->second->block;
    }
  }
  WF_ASSIGN(std::string bytes, files_.read(id));
  WF_ASSIGN(auto block, OpenBlock::open(std::move(bytes)));
  count("store_block_cache_misses_total");
  std::lock_guard lock(mutex_);
  keep(id, block, now);
  return block;
}

void BlockCache::keep(int64_t id, const std::shared_ptr<const OpenBlock>& block, DurationNs now) {
  size_t bytes = block->bytes.size() + block->reader.dictionary().memory_bytes();
  if (by_id_.contains(id)) return;
  while (bytes_ + bytes > max_bytes_ && !kept_.empty() && now - kept_.back().last_used > kInUse) {
    bytes_ -= kept_.back().bytes;
    by_id_.erase(kept_.back().id);
    kept_.pop_back();
  }
  if (bytes_ + bytes > max_bytes_) return;
  kept_.push_front({id, bytes, now, block});
  by_id_[id] = kept_.begin();
  bytes_ += bytes;
}

size_t BlockCache::held_bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace watchfire::store
