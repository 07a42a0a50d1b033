#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/kallsyms.h"
#include "base/result.h"
#include "collectors/ebpf/file_cache.h"

namespace watchfire::collectors::ebpf {

/// The kernel's symbols as a window names them.
///
/// Addresses it gives out are relative to the start of the kernel's text (or of the module's), so that they mean the
/// same after a restart of the machine with another random offset. One thread.
class KernelSymbols {
 public:
  KernelSymbols() = default;
  /// Errors as Kallsyms'.
  static Result<KernelSymbols> read(const std::string& proc_root);
  /// From the text of kallsyms; `release` names the kernel in file ids.
  static Result<KernelSymbols> parse(std::string_view kallsyms, std::string_view release);

  struct Found {
    FileRef file;  ///< the kernel or the module
    uint64_t address = 0;
    std::string_view name;  ///< valid as long as the object; "" when unknown
  };
  Found find(uint64_t address) const;
  size_t size() const { return symbols_.size(); }

 private:
  KernelSymbols(Kallsyms symbols, std::string_view release);

  Kallsyms symbols_;
  std::vector<FileRef> files_;  ///< of each module
};

/// Stands for the kernel while its symbols are not known.
FileRef make_kernel_file(std::string_view release, std::string_view module);

}  // namespace watchfire::collectors::ebpf
