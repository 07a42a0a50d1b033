#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace watchfire {

/// Drawn once in a process, so that whoever chooses the keys of a table cannot choose those that all fall into one
/// slot.
struct HashKey {
  uint64_t seed = 0;
  unsigned char secret[XXH_SECRET_DEFAULT_SIZE] = {};

  static HashKey draw();
};

inline const HashKey& process_hash_key() {
  static const HashKey key = HashKey::draw();
  return key;
}

/// For tables whose keys come from outside. Not for what is kept or sent: the next process has other hashes.
inline uint64_t keyed_hash(const void* data, size_t size) {
  const HashKey& key = process_hash_key();
  return XXH3_64bits_withSecretandSeed(data, size, key.secret, sizeof key.secret, key.seed);
}

/// keyed_hash as std's containers take it.
struct KeyedHash {
  size_t operator()(uint64_t number) const { return keyed_hash(&number, sizeof number); }
  size_t operator()(std::string_view text) const { return keyed_hash(text.data(), text.size()); }
};

}  // namespace watchfire
