#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace watchfire::binaries {

/// The GNU build id among ELF notes, in hex; "" when there is none. The notes are hostile bytes.
std::string find_build_id(std::span<const std::byte> notes);

/// Identity of a file without build id: "hash:" and 32 hex digits, XXH3-128 of its size and its first and last 4 KiB.
std::string content_id(std::span<const std::byte> file);

}  // namespace watchfire::binaries
