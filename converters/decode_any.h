#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads whatever profile these bytes are, found by content: profile.proto (plain, gzip, zstd), or one of the
/// legacy formats of gperftools and old Go. Same limits and errors as decode_pprof.
Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
