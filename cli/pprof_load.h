#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "cli/pprof_options.h"

namespace watchfire::cli {

/// The profile that the command line names, as every report and every command of the shell sees it: sources merged,
/// base subtracted, names made readable, uninteresting frames dropped. What came over HTTP is also saved.
Result<profile::Profile> load_profile(PprofOptions& options, std::vector<std::string>& notes);

/// Opens a new file "<directory>/<prefix>NNN<suffix>" with the first free number; its name goes to `path`.
Result<Fd> make_numbered_file(const std::string& directory, const std::string& prefix, const std::string& suffix,
                              std::string& path);

}  // namespace watchfire::cli
