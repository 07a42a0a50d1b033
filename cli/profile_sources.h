#pragma once

#include <string>
#include <vector>

#include "converters/pprof/limits.h"
#include "profile/profile.h"

namespace watchfire::cli {

/// How the profiles that the command line names are read.
struct SourceOptions {
  std::string executable;  ///< replaces the main binary's file name
  std::string build_id;    ///< for a main binary that has none
  converters::DecodeLimits limits = converters::DecodeLimits::offline();
};

/// Expands patterns; a name that exists is taken as it is. URLs and names that match nothing stay, to fail when
/// they are read.
std::vector<std::string> expand_sources(const std::vector<std::string>& names);

/// Whether the file is a program or library, which as first of several sources names the main binary.
bool is_object_file(const std::string& path);

/// Reads and merges the sources as pprof does: a single one stays as it is; several are brought to common sample
/// types and units and merged, 128 at a time. A source that can't be read is a line in `notes`; it is an error when
/// none can.
Result<profile::Profile> read_sources(const std::vector<std::string>& names, const SourceOptions& options,
                                      std::vector<std::string>& notes);

/// Brings two profiles to common types and units and merges them.
Result<profile::Profile> combine(std::vector<profile::Profile> profiles);

}  // namespace watchfire::cli
