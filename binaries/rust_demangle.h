#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace watchfire::binaries {

/// A Rust symbol as a path, without its hash: both the legacy form ("_ZN4core3fmt5write17h<16 hex>E") and v0 ("_R...").
/// Nothing: it is no Rust symbol. Bounded in depth and length against hostile names.
std::optional<std::string> demangle_rust(std::string_view name);

}  // namespace watchfire::binaries
