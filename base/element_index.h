#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace watchfire {

/// Finds elements of a list the caller owns by what they contain. It holds their numbers and 32 bits of their hashes,
/// not the elements: 8 bytes a slot at 50-75 % load, expected cost of one look-up and one comparison.
class ElementIndex {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  ElementIndex() : slots_(16) {}

  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

  /// Room for that many elements. Of an empty index.
  void reserve(size_t elements) { slots_.assign(std::bit_ceil(elements * 4 / 3 + 16), Slot{}); }

  /// The number of the element that has this hash and for which `is_equal(number)` holds; kNone when there is none.
  template <typename IsEqual>
  uint32_t find(uint64_t hash, IsEqual is_equal) const {
    return slots_[slot_of(static_cast<uint32_t>(hash), is_equal)].number;
  }
  /// The same, but an element that is not there is added under the number `next`.
  template <typename IsEqual>
  uint32_t find_or_add(uint64_t hash, uint32_t next, IsEqual is_equal) {
    Slot& slot = slots_[slot_of(static_cast<uint32_t>(hash), is_equal)];
    if (slot.number != kNone) return slot.number;
    slot = {static_cast<uint32_t>(hash), next};
    if (++size_ * 4 > slots_.size() * 3) grow();
    return next;
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t number = kNone;
  };

  /// Where that element is, or the free slot where it belongs.
  template <typename IsEqual>
  size_t slot_of(uint32_t hash, IsEqual is_equal) const {
    size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].number != kNone && !(slots_[i].hash == hash && is_equal(slots_[i].number))) i = (i + 1) & mask;
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    size_t mask = slots_.size() - 1;
    for (const Slot& s : old) {
      if (s.number == kNone) continue;
      size_t i = s.hash & mask;
      while (slots_[i].number != kNone) i = (i + 1) & mask;
      slots_[i] = s;
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace watchfire
