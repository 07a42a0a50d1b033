#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace watchfire {

inline constexpr size_t kMaxWantedAddresses = 65'536;
inline constexpr size_t kMaxSymbolBytes = 4096;

/// Addresses of one file that somebody wants named. daemon -> collector -> parser.
struct WantedSymbols {
  uint64_t request = 0;  ///< the asker's number, comes back with the answer
  std::string file_id;   ///< as in RawWindow::files
  std::vector<uint64_t> addresses;
};

/// One function around an address. The names are bytes from a file: hostile.
struct SymbolLine {
  std::string name;         ///< for people: demangled, at most kMaxSymbolBytes
  std::string system_name;  ///< as the file has it; equals `name` when nothing was demangled
  std::string file;         ///< source file, "" when unknown
  uint32_t line = 0;        ///< 0 when unknown
  uint32_t start_line = 0;
};

/// What is known of one address. No lines: the file has no symbol there.
struct SymbolAnswer {
  uint64_t address = 0;
  std::vector<SymbolLine> lines;  ///< innermost inlined function first, the real function last
};

enum class SymbolsOutcome : uint32_t {
  kDone = 0,         ///< every address was looked up
  kUnknownFile = 1,  ///< the collector has no such file (any more)
  kFailed = 2,       ///< the parser gave up on the file: see `reason`; it is quarantined
  kUnavailable = 3,  ///< no parser just now: ask again later
};

/// parser -> collector -> daemon. The collector hands the bytes on without reading more than `request`.
struct SymbolsAnswer {
  uint64_t request = 0;
  SymbolsOutcome outcome = SymbolsOutcome::kDone;
  std::string file_id;
  std::string reason;
  std::vector<SymbolAnswer> symbols;
};

/// "What is this file?" collector -> parser, with the file's descriptor.
struct InspectRequest {
  uint64_t request = 0;
  uint32_t want_pprof = 0;  ///< 1: also look for pprof handlers
  uint32_t reserved = 0;
};
static_assert(sizeof(InspectRequest) == 16);

/// Where a loadable part of a file goes: file offsets [offset, offset + size) are addresses from `address`.
struct FileSegment {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t address = 0;
};

/// parser -> collector.
struct FileFacts {
  uint64_t request = 0;
  uint32_t is_elf = 0;  ///< 0: no ELF file, or one the parser gave up on (`reason`); nothing below is set
  uint32_t has_pprof_handlers = 0;
  std::string file_id;   ///< build id in hex, or "hash:..."
  std::string build_id;  ///< hex, "" when none
  std::string reason;
  std::vector<FileSegment> segments;
};

std::vector<std::byte> encode_wanted_symbols(const WantedSymbols& wanted);
Result<WantedSymbols> decode_wanted_symbols(std::span<const std::byte> bytes);
std::vector<std::byte> encode_symbols_answer(const SymbolsAnswer& answer);
Result<SymbolsAnswer> decode_symbols_answer(std::span<const std::byte> bytes);
std::vector<std::byte> encode_inspect_request(const InspectRequest& request);
Result<InspectRequest> decode_inspect_request(std::span<const std::byte> bytes);
std::vector<std::byte> encode_file_facts(const FileFacts& facts);
Result<FileFacts> decode_file_facts(std::span<const std::byte> bytes);

}  // namespace watchfire
