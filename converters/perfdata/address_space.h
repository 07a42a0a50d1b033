#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "converters/pprof/limits.h"

namespace watchfire::converters::perf {

/// A mapped range, as the kernel reported it.
struct MappedFile {
  uint64_t start = 0;
  uint64_t limit = 0;
  uint64_t file_offset = 0;
  std::string file;
  std::string build_id;  ///< hex
  std::string symbol;    ///< the only function in it, for code that the kernel was given; else ""
  bool is_kernel = false;
};

/// Which file each address of each process belongs to at a moment, told from the records in order of time, with the
/// names of threads. A forked process shares its parent's map until one of them changes. The number of ranges is
/// bounded by limits.mappings, those copied by forks by sixteen times as many.
class AddressSpaces {
 public:
  explicit AddressSpaces(const DecodeLimits& limits) : limits_(limits) {}

  Status map(uint32_t pid, MappedFile file);
  Status fork(uint32_t pid, uint32_t parent_pid, uint32_t tid, uint32_t parent_tid);
  void set_name(uint32_t pid, uint32_t tid, std::string_view comm, bool is_exec);
  void unmap_kernel(uint64_t start) { kernel_.erase(start); }

  /// The file at this address, the process's own first, then the kernel's; null when none is known. Index into files().
  static constexpr uint32_t kNoFile = 0xffffffff;
  uint32_t find(uint32_t pid, uint64_t address) const;
  /// The process's program: the first file it mapped that looks like one; kNoFile when none does.
  uint32_t program(uint32_t pid) const;
  std::string_view name(uint32_t pid, uint32_t tid) const;
  const std::vector<MappedFile>& files() const { return files_; }

 private:
  struct Range {
    uint64_t limit = 0;
    uint32_t file = 0;
  };
  using Ranges = std::map<uint64_t, Range>;  // by start
  struct Process {
    std::shared_ptr<Ranges> ranges;
    uint32_t program = kNoFile;
  };
  static void place(Ranges& ranges, const MappedFile& file, uint32_t index);
  static uint32_t find_in(const Ranges& ranges, uint64_t address);

  DecodeLimits limits_;
  std::vector<MappedFile> files_;
  Ranges kernel_;
  std::unordered_map<uint32_t, Process> processes_;
  std::unordered_map<uint64_t, std::string> names_;  ///< by pid and tid
  uint64_t copied_ = 0;
};

}  // namespace watchfire::converters::perf
