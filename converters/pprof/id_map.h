#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "profile/profile.h"

namespace watchfire::converters {

/// From the arbitrary ids of the wire to indices. Small ids, the usual case, cost one array access.
class IdMap {
 public:
  /// Ids up to about twice the `expected` number of elements are kept in the array.
  explicit IdMap(size_t expected = 0) : dense_(expected * 2 + 16, profile::kNone) {}

  /// False when the id is there already.
  bool insert(uint64_t id, uint32_t index) {
    if (id < dense_.size()) {
      if (dense_[id] != profile::kNone) return false;
      dense_[id] = index;
      return true;
    }
    return sparse_.emplace(id, index).second;
  }

  /// kNone when unknown.
  uint32_t find(uint64_t id) const {
    if (id < dense_.size()) return dense_[id];
    auto it = sparse_.find(id);
    return it == sparse_.end() ? profile::kNone : it->second;
  }

 private:
  std::vector<uint32_t> dense_;
  std::unordered_map<uint64_t, uint32_t> sparse_;
};

}  // namespace watchfire::converters
