#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::binaries {

/// A part of an ELF file that is loaded as code.
struct CodeSegment {
  uint64_t offset = 0;   ///< in the file
  uint64_t size = 0;     ///< bytes in the file
  uint64_t address = 0;  ///< the file's own virtual address of `offset`
};

struct Section {
  std::string_view name;
  uint64_t address = 0;
  uint32_t type = 0;
  std::span<const std::byte> bytes;  ///< empty when it holds none in the file, or lies about where
  uint32_t link = 0;
};

/// A view of a 64-bit little-endian ELF file. The bytes are hostile: every offset and size is checked against them
/// before use, no loop is longer than the file is large, nothing is allocated by a number the file claims.
/// Does not own the bytes; views it gives out live as long as they do. Const after parse: any thread.
class ElfFile {
 public:
  /// kCorrupt: no ELF file, or headers that point outside. kUnsupported: 32-bit or big-endian.
  static Result<ElfFile> parse(std::span<const std::byte> bytes);

  /// The GNU build id in hex, "" when there is none.
  std::string build_id() const;
  std::vector<CodeSegment> code_segments() const;
  const std::vector<Section>& sections() const { return sections_; }
  const Section* find_section(std::string_view name) const;
  bool is_position_independent() const { return position_independent_; }

  struct Symbol {
    uint64_t address = 0;
    uint64_t size = 0;
    std::string_view name;
    bool is_global = false;
  };
  /// Calls `take` for each function of .symtab and .dynsym that is defined here.
  void for_each_function(const std::function<void(const Symbol&)>& take) const;

 private:
  struct Segment {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t address;
    uint64_t size;
  };
  explicit ElfFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  Status read_segments(uint64_t at, uint16_t size, uint16_t count);
  void read_sections(uint64_t at, uint16_t size, uint64_t count, uint32_t names);
  std::span<const std::byte> slice(uint64_t offset, uint64_t size) const;

  std::span<const std::byte> bytes_;
  std::vector<Segment> segments_;
  std::vector<Section> sections_;
  bool position_independent_ = false;
};

/// A NUL-terminated string at `offset` of a string table; "" when it starts or ends outside.
std::string_view string_at(std::span<const std::byte> table, uint64_t offset);

}  // namespace watchfire::binaries
