#pragma once

#include <string>

#include "base/result.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// The profile as Go's compiler takes it for -pgo ("default.pgo"): a gzip'd profile.proto with only the CPU's sample
/// types, without labels, samples of equal stacks added up, functions under the linker's names.
///
/// kInvalidArgument: no sample type samples/count or cpu/nanoseconds; or no function knows the line it starts at,
/// which the compiler needs to find call sites. A profile without samples is written: the compiler takes it as none.
Result<std::string> encode_pgo(const profile::Profile& p);

}  // namespace watchfire::converters
