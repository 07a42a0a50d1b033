#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/symbols_message.h"

namespace watchfire::binaries {

/// What a file is: build id, segments, and pprof handlers if `want_pprof`. A file that is no ELF file has is_elf 0
/// and a reason. Pure; the bytes are hostile.
FileFacts inspect_file(std::span<const std::byte> file, bool want_pprof);

/// Names addresses of a file from its symbol tables and, for Go, its function table (with file and line). Answers
/// are in the order asked. kCorrupt, kUnsupported: no readable ELF file. Pure; the bytes are hostile.
Result<std::vector<SymbolAnswer>> symbolize(std::span<const std::byte> file, std::span<const uint64_t> addresses);

}  // namespace watchfire::binaries
