#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "binaries/elf_file.h"

namespace watchfire::binaries {

/// The function table that every Go program carries, also when it is stripped (Go 1.16 and newer): names, source
/// files and lines. Views hostile bytes; a table that lies gives no answer. Const: any thread.
class GoPclntab {
 public:
  /// Nothing: no Go program, or a table of another layout.
  static std::optional<GoPclntab> find(const ElfFile& file);

  struct Function {
    uint64_t address = 0;
    std::string_view name;
    std::string_view file;    ///< of the given address; "" when unknown
    uint32_t line = 0;        ///< of the given address; 0 when unknown
    uint32_t start_line = 0;  ///< 0 when unknown (before Go 1.20)
  };
  std::optional<Function> lookup(uint64_t address) const;
  uint64_t function_count() const { return count_; }

 private:
  uint64_t entry_at(uint64_t index) const;
  int64_t table_value(uint32_t table, uint64_t entry, uint64_t address) const;

  uint64_t text_start_ = 0;
  uint64_t count_ = 0;
  uint32_t quantum_ = 1;
  bool offsets_ = true;         ///< entries are 32-bit offsets from text_start_ (Go 1.18), else addresses
  bool has_start_line_ = true;  ///< Go 1.20
  std::span<const std::byte> names_;
  std::span<const std::byte> units_;
  std::span<const std::byte> files_;
  std::span<const std::byte> values_;
  std::span<const std::byte> functions_;
};

}  // namespace watchfire::binaries
