#pragma once

#include <string>

#include "profile/profile.h"

namespace watchfire::converters {

/// The profile as profile.proto, byte for byte as Go's pprof writes it: fields in order of their numbers, strings in
/// order of first use, ids as they are in the profile.
std::string encode_pprof(const profile::Profile& p);

/// The same, as one gzip member without a time in its header.
std::string encode_pprof_gz(const profile::Profile& p, int level = 6);

}  // namespace watchfire::converters
