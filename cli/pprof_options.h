#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/pprof_commands.h"
#include "cli/pprof_config.h"
#include "cli/profile_sources.h"

namespace watchfire::cli {

/// What a `watchfire pprof` command line asks for.
struct PprofOptions {
  PprofConfig config;
  const PprofCommand* command = nullptr;  ///< nullptr: the shell
  std::string symbol;                     ///< the regular expression of -peek and -list
  std::vector<std::string> sources;
  std::vector<std::string> bases;
  bool diff_base = false;
  bool all_frames = false;
  std::string symbolize;
  std::string comment;
  SourceOptions source;
};

/// Reads the words after `watchfire pprof`. `notes` gets warnings. Flags that pprof has and Watchfire has not are
/// refused by name.
Result<PprofOptions> parse_pprof_options(std::span<const std::string_view> words, std::vector<std::string>& notes);

/// The help text of `watchfire pprof`.
std::string pprof_usage();

}  // namespace watchfire::cli
