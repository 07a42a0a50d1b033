#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile/report.h"

namespace watchfire::cli {

/// What a `watchfire pprof` command line asks for.
struct PprofOptions {
  profile::ReportKind kind = profile::ReportKind::kTop;
  std::string symbol;  ///< the regular expression of -peek and -list
  profile::ReportOptions report;
  std::vector<std::string> sources;
  std::vector<std::string> bases;
  bool diff_base = false;
  bool normalize = false;
  bool all_frames = false;
  std::string symbolize;
  std::string build_id;
  std::string comment;
  std::string output;  ///< file to write to, "" for stdout
};

/// Reads the words after `watchfire pprof`. `notes` gets warnings. Flags that pprof has and Watchfire has not are
/// refused by name.
Result<PprofOptions> parse_pprof_options(std::span<const std::string_view> words, std::vector<std::string>& notes);

/// The help text of `watchfire pprof`.
std::string_view pprof_usage();

}  // namespace watchfire::cli
