#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "base/keyed_hash.h"
#include "base/memory.h"

namespace watchfire::profile {

/// Distinct pairs of two 32-bit ids, each known by a dense number in order of first use. For samples as
/// (stack, label set) and edges as (caller, callee): 12 bytes a slot, one cache line a look-up.
class PairIndex {
 public:
  PairIndex() : slots_(64) {}

  uint32_t size() const { return size_; }
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

  /// Room for that many pairs. Of an empty index.
  void reserve(size_t pairs) {
    size_t slots = std::bit_ceil(pairs * 3 / 2 + 64);
    slots_.clear();
    reserve_large(slots_, slots);
    slots_.resize(slots);
  }

  /// The number of (a, b), new when it equals the size before.
  uint32_t intern(uint32_t a, uint32_t b) {
    uint64_t key = uint64_t{a} << 32 | b;
    size_t mask = slots_.size() - 1;
    for (size_t i = hash(key) & mask;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.number == kFree) {
        slot = {static_cast<uint32_t>(key >> 32), static_cast<uint32_t>(key), size_};
        if ((size_ + 1) * uint64_t{3} > slots_.size() * uint64_t{2}) grow();
        return size_++;
      }
      if (slot.a == a && slot.b == b) return slot.number;
    }
  }

 private:
  static constexpr uint32_t kFree = 0xffffffff;
  struct Slot {
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t number = kFree;
  };

  size_t hash(uint64_t key) const {
    key = (key ^ seed_) * 0x9e3779b97f4a7c15u;
    return static_cast<size_t>(key ^ (key >> 32));
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    size_t mask = slots_.size() - 1;
    for (const Slot& s : old) {
      if (s.number == kFree) continue;
      size_t i = hash(uint64_t{s.a} << 32 | s.b) & mask;
      while (slots_[i].number != kFree) i = (i + 1) & mask;
      slots_[i] = s;
    }
  }

  uint64_t seed_ = process_hash_key().seed;
  std::vector<Slot> slots_;
  uint32_t size_ = 0;
};

}  // namespace watchfire::profile
