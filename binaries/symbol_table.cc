#include "binaries/symbol_table.h"

#include <algorithm>
#include <tuple>

namespace watchfire::binaries {
namespace {

/// How many functions before an address are tried: a range may lie within a larger one.
constexpr int kMaxNesting = 16;

auto rank(const SymbolTable::Entry& e) {
  return std::tuple(e.address, e.size == 0, !e.is_global, e.name.size(), e.name);
}

}  // namespace

void SymbolTable::sort() {
  std::ranges::sort(entries_, {}, rank);
  auto same = std::ranges::unique(entries_, {}, &Entry::address);
  entries_.erase(same.begin(), same.end());
}

const SymbolTable::Entry* SymbolTable::find(uint64_t address) const {
  auto it = std::ranges::upper_bound(entries_, address, {}, &Entry::address);
  for (int i = 0; i < kMaxNesting && it != entries_.begin(); ++i) {
    --it;
    if (it->size == 0 || address - it->address < it->size) return &*it;
  }
  return nullptr;
}

}  // namespace watchfire::binaries
