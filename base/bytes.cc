#include "base/bytes.h"

#include <array>

namespace watchfire {

std::span<const std::byte> ByteReader::take(size_t n) {
  if (!ok_ || remaining() < n) {
    ok_ = false;
    return {};
  }
  auto out = bytes_.subspan(at_, n);
  at_ += n;
  return out;
}

std::string_view ByteReader::read_string(size_t max_bytes) {
  auto n = read<uint32_t>();
  if (n > max_bytes) {
    ok_ = false;
    return {};
  }
  return as_text(take(n));
}

uint64_t ByteReader::read_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    auto b = static_cast<uint64_t>(read<uint8_t>());
    if (!ok_) return 0;
    value |= shift < 63 ? (b & 0x7f) << shift : b << 63;
    if (b < 0x80) return value;
  }
  ok_ = false;
  return 0;
}

int64_t ByteReader::read_signed_varint() {
  uint64_t v = read_varint();
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

void ByteWriter::write_string(std::string_view text) {
  write(static_cast<uint32_t>(text.size()));
  write_bytes(as_bytes(text));
}

void ByteWriter::write_varint(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<std::byte>(value));
}

void ByteWriter::write_signed_varint(int64_t value) {
  write_varint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::byte b : bytes) {
    out += digits[static_cast<uint8_t>(b) >> 4];
    out += digits[static_cast<uint8_t>(b) & 15];
  }
  return out;
}

namespace {

// Reflected polynomial 0x82f63b78, eight tables for eight bytes a step (slicing-by-8).
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1) ? c >> 1 ^ 0x82f63b78u : c >> 1;
    t[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; ++i)
    for (size_t k = 1; k < 8; ++k) t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 255];
  return t;
}();

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t seed) {
  uint32_t c = ~seed;
  const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= c;
    c = kTables[7][word & 255] ^ kTables[6][word >> 8 & 255] ^ kTables[5][word >> 16 & 255] ^
        kTables[4][word >> 24 & 255] ^ kTables[3][word >> 32 & 255] ^ kTables[2][word >> 40 & 255] ^
        kTables[1][word >> 48 & 255] ^ kTables[0][word >> 56];
  }
  for (; n > 0; --n, ++p) c = kTables[0][(c ^ *p) & 255] ^ c >> 8;
  return ~c;
}

}  // namespace watchfire
