#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace watchfire::converters {

/// Names of code that was made while a process ran, from what its runtime wrote beside the recording. The caller
/// reads the files (they are hostile: names in /tmp) and hands their bytes in; give it to decode_perf_data. Code that
/// replaced other code at an address wins, whatever its time. Bounded by `max_symbols`.
class PerfSymbols {
 public:
  explicit PerfSymbols(size_t max_symbols = 2'000'000) : max_symbols_(max_symbols) {}

  /// "/tmp/perf-PID.map": lines "START SIZE NAME" in hex. Lines of another form are counted as skipped.
  Status add_perf_map(uint32_t pid, std::string_view text);
  /// "jit-PID.dump", which knows its process. kCorrupt: no such file; one that is cut is read as far as it goes.
  Status add_jitdump(std::string_view bytes);

  /// The function at this address of the process; "" when none is known.
  std::string_view find(uint32_t pid, uint64_t address) const;
  size_t size() const { return size_; }
  size_t skipped() const { return skipped_; }

 private:
  struct Symbol {
    uint64_t end = 0;
    std::string name;
  };
  using Symbols = std::map<uint64_t, Symbol>;  // by first address
  Status add(uint32_t pid, uint64_t start, uint64_t size, std::string_view name);
  void move(uint32_t pid, uint64_t from, uint64_t to);

  size_t max_symbols_;
  size_t size_ = 0;
  size_t skipped_ = 0;
  std::map<uint32_t, Symbols> processes_;
};

}  // namespace watchfire::converters
