#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/element_index.h"
#include "base/keyed_hash.h"

namespace watchfire {

/// As memcmp(a, b, n) == 0, without a call for the short keys tables hold.
inline bool equal_bytes(const void* a, const void* b, size_t n) {
  auto same = [&]<typename Word>(Word, size_t at) {
    Word x = 0;
    Word y = 0;
    std::memcpy(&x, static_cast<const char*>(a) + at, sizeof(Word));
    std::memcpy(&y, static_cast<const char*>(b) + at, sizeof(Word));
    return x == y;
  };
  if (n > 128) return std::memcmp(a, b, n) == 0;
  if (n >= 8) {
    for (size_t i = 0; i < n - 8; i += 8)
      if (!same(uint64_t{}, i)) return false;
    return same(uint64_t{}, n - 8);
  }
  if (n >= 4) return same(uint32_t{}, 0) && same(uint32_t{}, n - 4);
  for (size_t i = 0; i < n; ++i)
    if (!same(uint8_t{}, i)) return false;
  return true;
}

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
    return elements_.capacity() * sizeof(T) + offsets_.capacity() * sizeof(uint64_t) + index_.memory_bytes();
  }

  /// The id of this span, new or known.
  uint32_t intern(std::span<const T> span) {
    if (span.empty()) return 0;
    uint32_t id = index_.find_or_add(hash_of(span), size(), [&](uint32_t known) { return equal(known, span); });
    return id == size() ? append(span) : id;
  }

  /// The id of this span; `unknown` when it was not interned.
  uint32_t find(std::span<const T> span, uint32_t unknown) const {
    if (span.empty()) return 0;
    uint32_t id = index_.find(hash_of(span), [&](uint32_t known) { return equal(known, span); });
    return id != ElementIndex::kNone ? id : unknown;
  }

  /// Takes a span without a look whether it is known: it gets an id of its own, which intern() does not find.
  uint32_t append(std::span<const T> span) {
    elements_.insert(elements_.end(), span.begin(), span.end());
    offsets_.push_back(elements_.size());
    return size() - 1;
  }

  /// Room for that many spans and elements, so that they come in without growing. Of an empty table.
  void reserve(size_t spans, size_t elements) {
    elements_.reserve(elements);
    offsets_.reserve(spans + 1);
    index_.reserve(spans);
  }
  void clear() {
    elements_.clear();
    offsets_.assign(2, 0);
    index_ = {};
  }

 private:
  static uint64_t hash_of(std::span<const T> span) { return keyed_hash(span.data(), span.size_bytes()); }

  bool equal(uint32_t id, std::span<const T> span) const {
    auto have = (*this)[id];
    return have.size() == span.size() && equal_bytes(have.data(), span.data(), span.size_bytes());
  }

  std::vector<T> elements_;
  std::vector<uint64_t> offsets_;
  ElementIndex index_;
};

/// Distinct strings by dense id; id 0 is "". Views stay valid until the next intern().
class StringTable {
 public:
  uint32_t intern(std::string_view text) { return spans_.intern(std::span(text.data(), text.size())); }
  uint32_t find(std::string_view text, uint32_t unknown) const {
    return spans_.find(std::span(text.data(), text.size()), unknown);
  }
  /// As SpanTable::append.
  uint32_t append(std::string_view text) { return spans_.append(std::span(text.data(), text.size())); }
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
