#pragma once

#include <string>
#include <string_view>

namespace watchfire::binaries {

/// The longest name that is demangled, and the longest result.
inline constexpr size_t kMaxMangled = 16'384;
inline constexpr size_t kMaxDemangled = 4096;

/// A symbol as people write it: C++ (Itanium), Rust (legacy and v0), else the name itself without a linker's suffix
/// ("@@GLIBC_2.34"). Hostile input; bounded output. Never empty for a name that is not.
std::string demangle(std::string_view name);

}  // namespace watchfire::binaries
