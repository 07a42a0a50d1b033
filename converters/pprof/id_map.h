#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/element_index.h"
#include "base/keyed_hash.h"
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
    auto next = static_cast<uint32_t>(sparse_.size());
    if (places_.find_or_add(KeyedHash()(id), next, [&](uint32_t place) { return sparse_[place].id == id; }) != next)
      return false;
    sparse_.push_back({id, index});
    return true;
  }

  /// Of the ids up to its size; find() knows the others.
  std::span<const uint32_t> dense() const { return dense_; }
  /// kNone when unknown.
  uint32_t find(uint64_t id) const { return id < dense_.size() ? dense_[id] : find_sparse(id); }

 private:
  struct Known {
    uint64_t id;
    uint32_t index;
  };

  [[gnu::noinline]] uint32_t find_sparse(uint64_t id) const {
    uint32_t known = places_.find(KeyedHash()(id), [&](uint32_t place) { return sparse_[place].id == id; });
    return known == profile::kNone ? profile::kNone : sparse_[known].index;
  }

  std::vector<uint32_t> dense_;
  std::vector<Known> sparse_;
  ElementIndex places_;  ///< in sparse_, by id
};

}  // namespace watchfire::converters
