#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace watchfire {

/// Distinct spans of T, each known by a dense id in order of first use; id 0 is the empty span, there from the
/// start. Equality is exact: the hash only finds candidates. T is compared as bytes, so it must have no padding
/// that differs. Spans given out stay valid until the next intern().
///
/// Cost: intern O(length) expected; memory 8 bytes a span, the elements, and 8 bytes a slot at 50-75 % load.
template <typename T>
class SpanTable {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SpanTable() { clear(); }

  uint32_t size() const { return static_cast<uint32_t>(offsets_.size() - 1); }
  std::span<const T> operator[](uint32_t id) const {
    return {elements_.data() + offsets_[id], elements_.data() + offsets_[id + 1]};
  }
  size_t element_count() const { return elements_.size(); }
  size_t memory_bytes() const {
    return elements_.capacity() * sizeof(T) + offsets_.capacity() * sizeof(uint64_t) + slots_.capacity() * sizeof(Slot);
  }

  /// The id of this span, new or known.
  uint32_t intern(std::span<const T> span) {
    if (span.empty()) return 0;
    auto hash = static_cast<uint32_t>(XXH3_64bits(span.data(), span.size_bytes()));
    size_t mask = slots_.size() - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.id == kFree) {
        auto id = size();
        elements_.insert(elements_.end(), span.begin(), span.end());
        offsets_.push_back(elements_.size());
        slot = {hash, id};
        if (size() * 4 > slots_.size() * 3) grow();
        return id;
      }
      if (slot.hash == hash && equal(slot.id, span)) return slot.id;
    }
  }

  /// Room for that many spans and elements, so that they come in without growing. Of an empty table.
  void reserve(size_t spans, size_t elements) {
    elements_.reserve(elements);
    offsets_.reserve(spans + 1);
    slots_.assign(std::bit_ceil(spans * 4 / 3 + 16), Slot{});
  }
  void clear() {
    elements_.clear();
    offsets_.assign(2, 0);
    slots_.assign(16, Slot{});
  }

 private:
  static constexpr uint32_t kFree = 0xffffffff;
  struct Slot {
    uint32_t hash = 0;
    uint32_t id = kFree;
  };

  bool equal(uint32_t id, std::span<const T> span) const {
    auto have = (*this)[id];
    return have.size() == span.size() && std::memcmp(have.data(), span.data(), span.size_bytes()) == 0;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    size_t mask = slots_.size() - 1;
    for (const Slot& s : old) {
      if (s.id == kFree) continue;
      size_t i = s.hash & mask;
      while (slots_[i].id != kFree) i = (i + 1) & mask;
      slots_[i] = s;
    }
  }

  std::vector<T> elements_;
  std::vector<uint64_t> offsets_;
  std::vector<Slot> slots_;
};

/// Distinct strings by dense id; id 0 is "". Views stay valid until the next intern().
class StringTable {
 public:
  uint32_t intern(std::string_view text) { return spans_.intern(std::span(text.data(), text.size())); }
  void reserve(size_t strings, size_t bytes) { spans_.reserve(strings, bytes); }
  std::string_view text(uint32_t id) const {
    auto s = spans_[id];
    return {s.data(), s.size()};
  }
  uint32_t size() const { return spans_.size(); }
  size_t memory_bytes() const { return spans_.memory_bytes(); }

 private:
  SpanTable<char> spans_;
};

}  // namespace watchfire
