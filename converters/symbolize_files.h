#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"

namespace watchfire::converters {

/// Reads a program or library that a profile names. The path is untrusted: the caller decides which it opens, opens
/// regular files only, and bounds their size.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// Gives locations without lines the functions that the mapped files tell, as recordings of addresses need it
/// (perf.data, gperftools, jemalloc). A file whose build id is not the mapping's is not used; one of which the profile
/// knows no build id is taken as it is now, unless `matching_only`. Each file is read once; `notes` gets a line for
/// each that could not be used and for each taken without a build id. Returns how many locations got a name.
size_t symbolize_from_files(profile::Profile& p, const FileReader& read, std::vector<std::string>& notes,
                            bool matching_only = false);

}  // namespace watchfire::converters
