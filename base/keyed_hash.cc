#include "base/keyed_hash.h"

#include <sys/random.h>

#include "base/clock.h"

namespace watchfire {

HashKey HashKey::draw() {
  HashKey key;
  if (::getrandom(&key.seed, sizeof key.seed, GRND_NONBLOCK) != sizeof key.seed)
    key.seed = static_cast<uint64_t>(now_ns()) ^ reinterpret_cast<uintptr_t>(&key);
  XXH3_generateSecret_fromSeed(key.secret, key.seed);
  return key;
}

}  // namespace watchfire
