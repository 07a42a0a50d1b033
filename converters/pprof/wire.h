#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace watchfire::converters::wire {

/// The rest of read_varint, for what is longer than eight bytes or stands at the end.
const uint8_t* read_long_varint(const uint8_t* p, const uint8_t* end, uint64_t& value);

inline constexpr int kLongestVarint = 10;

/// Reads one varint of at most kLongestVarint bytes; nullptr when it does not end in time. `end` bounds the reading.
inline const uint8_t* read_varint(const uint8_t* p, const uint8_t* end, uint64_t& value) {
  if (p < end && p[0] < 0x80) {
    value = p[0];
    return p + 1;
  }
  if (end - p >= 2 && p[1] < 0x80) {
    value = (p[0] & 0x7fu) | uint64_t{p[1]} << 7;
    return p + 2;
  }
  if (end - p < 8) return read_long_varint(p, end, value);
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  static_assert(std::endian::native == std::endian::little);
  constexpr uint64_t kContinues = 0x8080808080808080;
  uint64_t last = ~word & kContinues;
  last &= 0 - last;
  if (last == 0) return read_long_varint(p, end, value);
  // Seven bits of each byte up to the last, moved together in pairs, then fours, then all.
  word &= (last | (last - 1)) & ~kContinues;
  word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
  word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
  value = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
  return p + std::countr_zero(last) / 8 + 1;
}

/// One field of a protobuf message: a number in `value`, or for type kBytes a view of the input.
struct Field {
  uint64_t number = 0;
  uint32_t type = 0;
  uint64_t value = 0;
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;

  std::string_view text() const { return {reinterpret_cast<const char*>(begin), static_cast<size_t>(end - begin)}; }
};

inline constexpr uint32_t kVarint = 0;
inline constexpr uint32_t kFixed64 = 1;
inline constexpr uint32_t kBytes = 2;
inline constexpr uint32_t kFixed32 = 5;

/// Walks the fields of one message without copying. `failed()` tells whether it ended in broken bytes.
class MessageReader {
 public:
  MessageReader(const uint8_t* begin, const uint8_t* end) : p_(begin), end_(end) {}
  explicit MessageReader(const Field& f) : p_(f.begin), end_(f.end) {}

  bool failed() const { return failed_; }
  /// Whether it failed at bytes that no more bytes could mend.
  bool is_broken() const { return broken_; }
  /// Where the next field starts.
  const uint8_t* position() const { return p_; }

  [[gnu::always_inline]] bool next(Field& f) {
    if (end_ - p_ < 2 || p_[0] >= 0x80) return next_of_any_kind(f);
    f.number = p_[0] >> 3;
    f.type = p_[0] & 7;
    if (f.type == kVarint) return varint(p_ + 1, f.value);
    // Strings and messages are short, nearly all of them.
    if (f.type != kBytes || p_[1] >= 0x80 || p_[1] > end_ - p_ - 2) return next_of_any_kind(f);
    f.begin = p_ + 2;
    f.end = p_ = f.begin + p_[1];
    return true;
  }

 private:
  bool next_of_any_kind(Field& f) {
    if (p_ >= end_) return false;
    uint64_t tag = 0;
    if (!varint(p_, tag)) return false;
    f.number = tag >> 3;
    f.type = tag & 7;
    switch (f.type) {
      case kVarint:
        return varint(p_, f.value);
      case kBytes: {
        uint64_t size = 0;
        if (!varint(p_, size)) return false;
        if (size > static_cast<uint64_t>(end_ - p_)) return fail();
        f.begin = p_;
        f.end = p_ + size;
        p_ = f.end;
        return true;
      }
      case kFixed64:
        return fixed<uint64_t>(f);
      case kFixed32:
        return fixed<uint32_t>(f);
      default:
        broken_ = true;
        return fail();
    }
  }
  [[gnu::always_inline]] bool varint(const uint8_t* at, uint64_t& value) {
    p_ = read_varint(at, end_, value);
    if (p_ != nullptr) [[likely]]
      return true;
    broken_ = end_ - at >= kLongestVarint;
    return fail();
  }
  bool fail() {
    failed_ = true;
    p_ = end_;
    return false;
  }
  template <typename T>
  bool fixed(Field& f) {
    if (static_cast<size_t>(end_ - p_) < sizeof(T)) return fail();
    T value;
    std::memcpy(&value, p_, sizeof(T));
    f.value = value;
    p_ += sizeof(T);
    return true;
  }

  const uint8_t* p_;
  const uint8_t* end_;
  bool failed_ = false;
  bool broken_ = false;
};

}  // namespace watchfire::converters::wire
