#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace watchfire::binaries {

/// Functions by address range. Build it with add() and sort() once, then look up. Names are not owned.
class SymbolTable {
 public:
  struct Entry {
    uint64_t address = 0;
    uint64_t size = 0;  ///< 0: up to the next one
    std::string_view name;
    bool is_global = false;
  };

  void add(const Entry& entry) { entries_.push_back(entry); }
  /// Orders, and keeps of several names at one address the one with a size, then the global one, then the shortest.
  void sort();
  /// The function that holds the address; null when none does.
  const Entry* find(uint64_t address) const;
  size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace watchfire::binaries
