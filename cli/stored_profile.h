#pragma once

#include <string>
#include <vector>

#include "agent/api_client.h"

namespace watchfire::cli {

/// The daemon's stored profiles that match `params` (selector, and since or start and end), merged, as profile.proto.
/// `notes` gets what the daemon says about the answer: what was left out, and that it is cut.
Result<std::string> fetch_stored(const agent::ApiClient& client, const agent::Params& params,
                                 std::vector<std::string>& notes);

}  // namespace watchfire::cli
