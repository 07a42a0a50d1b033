#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace watchfire {

/// Cursor over bytes from outside. Every read is checked; after the first failure `ok()` is false and all
/// further reads give zero or empty, so a decoder may check once at the end of a record.
/// Does not own the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  explicit ByteReader(std::string_view bytes) : bytes_(std::as_bytes(std::span(bytes.data(), bytes.size()))) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return bytes_.size() - at_; }
  size_t position() const { return at_; }
  void set_failed() { ok_ = false; }

  /// One little-endian fixed-width value (or a struct of them without padding).
  template <typename T>
  T read() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (!ok_ || remaining() < sizeof(T)) {
      ok_ = false;
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }
  /// `n` bytes, not copied.
  std::span<const std::byte> take(size_t n);
  /// A string with a u32 length before it, at most `max_bytes` long.
  std::string_view read_string(size_t max_bytes);
  /// LEB128, at most 10 bytes.
  uint64_t read_varint();
  /// Zig-zag LEB128.
  int64_t read_signed_varint();

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

/// Appends in the form that ByteReader reads.
class ByteWriter {
 public:
  template <typename T>
  void write(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* p = reinterpret_cast<const std::byte*>(&value);
    out_.insert(out_.end(), p, p + sizeof(T));
  }
  void write_bytes(std::span<const std::byte> bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void write_string(std::string_view text);
  void write_varint(uint64_t value);
  void write_signed_varint(int64_t value);

  size_t size() const { return out_.size(); }
  std::span<const std::byte> bytes() const { return out_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(out_.data()), out_.size()}; }
  std::vector<std::byte> release() { return std::move(out_); }

 private:
  std::vector<std::byte> out_;
};

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string to_hex(std::span<const std::byte> bytes);

/// CRC-32C (Castagnoli), as the store's columns carry it.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t seed = 0);

}  // namespace watchfire
