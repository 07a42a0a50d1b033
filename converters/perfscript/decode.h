#pragma once

#include <string_view>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads what `perf script` prints: samples as "comm pid[/tid] [cpu] time: period event:" and frames below them, leaf
/// first, or one frame on the line itself. Each event becomes two sample types, EVENT_sample (samples) and EVENT_event
/// (their periods; 1 where none is printed), as of a perf.data file; the default is the first event's EVENT_event.
/// Samples are told apart by comm, pid and tid, which are labels; cpu and time are not kept, but the duration is.
/// Inlined frames become lines of the frame that holds them; "[unknown]" in a known file is a location without name.
/// Records that are no samples, and lines not understood, are counted in comments of the profile.
///
/// kUnsupported: the text does not start as perf's does. The bytes are inflated already.
Result<profile::Profile> decode_perf_script(std::string_view bytes, const DecodeLimits& limits = {});

}  // namespace watchfire::converters
