#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/intern.h"
#include "base/window.h"
#include "collectors/ebpf/file_cache.h"
#include "collectors/ebpf/process_table.h"

namespace watchfire::collectors::ebpf {

/// A frame before its file's segments are known.
struct RawFrame {
  FileRef file;
  uint64_t offset = 0;    ///< as in Place, or the kernel's relative address
  std::string_view name;  ///< "" when the file's symbols are to be asked
};

/// Adds up the samples of one window. Stacks are compared element by element, never by hash alone; at its byte
/// limit a window takes only samples it can add to what it has, and counts the others as lost ("window_full").
/// One thread.
class WindowBuilder {
 public:
  explicit WindowBuilder(size_t max_bytes) : max_bytes_(max_bytes) {}

  struct Sample {
    const ProcessRef& process;
    uint32_t tid = 0;
    std::string_view thread_name;
    std::span<const RawFrame> frames;  ///< leaf first
    StackEnd end = StackEnd::kNoUserStack;
    int64_t weight_ns = 0;
  };
  void add(const Sample& sample);
  void lose(std::string_view reason, uint64_t n);

  const std::vector<FileRef>& files() const { return files_; }
  uint64_t stored() const { return stored_; }
  uint64_t lost() const;
  size_t memory_bytes() const;
  /// True while the parser may still say where a file's segments are; `patience` after the question it is given up.
  bool waits_for_facts(DurationNs now, DurationNs patience) const;
  /// The tables as a window; times, expected samples and identity are the caller's to fill in.
  RawWindow finish() const;

 private:
  uint32_t file_index(const FileRef& file);
  uint32_t process_index(const ProcessRef& process);

  struct Totals {
    uint32_t count = 0;
    int64_t weight_ns = 0;
  };

  size_t max_bytes_;
  uint64_t stored_ = 0;
  std::map<std::string, uint64_t, std::less<>> lost_;
  std::vector<FileRef> files_;
  std::unordered_map<const MappedFile*, uint32_t> file_indices_;
  std::vector<ProcessRef> processes_;
  std::unordered_map<const Process*, uint32_t> process_indices_;
  StringTable names_;
  SpanTable<uint64_t> frames_;   ///< {file, offset, name}
  SpanTable<uint32_t> stacks_;   ///< frame ids
  SpanTable<uint32_t> samples_;  ///< {process, tid, thread name, stack, end}
  std::vector<Totals> totals_;   ///< by sample id - 1
};

}  // namespace watchfire::collectors::ebpf
