#pragma once

namespace watchfire {

/// The release, as `--version`, the API and User-Agent headers give it.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace watchfire
