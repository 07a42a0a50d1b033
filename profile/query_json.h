#pragma once

#include <string>

#include "profile/query.h"

namespace watchfire::profile {

/// The status that every answer to a query carries: type, range, covered time, what was read, whether it is partial,
/// notes. As the members of an object that is open in no writer: `{"type":...,"range":{...},...}`.
std::string merge_status_json(const MergeResult& result);
/// The same as one line for people and models: what, how many samples and profiles, total, why it was cut.
std::string merge_status_line(const MergeResult& result);

}  // namespace watchfire::profile
