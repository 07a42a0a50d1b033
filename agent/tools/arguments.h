#pragma once

#include <string>
#include <string_view>

#include "findings/finding.h"
#include "profile/report.h"
#include "profile/selector.h"

namespace watchfire::agent {

/// What a call of a reading tool asks for: filters that all tools share, and those of some.
struct ToolArguments {
  std::string service;
  std::string type = "process_cpu:cpu";
  std::string source;
  TimeRange range;       ///< whole seconds
  TimeRange base;        ///< diff: what to compare with; the range before, of the same length, when not given
  std::string function;  ///< peek: exact name, id (f12) or regular expression
  profile::ReportOptions report;
  bool is_filtered = false;  ///< focus, ignore or hide: the numbers are not those of the whole profile
  double min_share = 0.01;   ///< tree
  size_t max_depth = 40;     ///< tree
  size_t max_bytes = 8192;

  profile::Selector selector() const;
};

/// Reads a tool's JSON input strictly. `window` is the range when none is given, and its end is what `since` counts
/// back from. Errors say what was expected, for the model to correct itself.
Result<ToolArguments> read_arguments(std::string_view tool, std::string_view json, TimeRange window);

/// Reads what submit_finding is given: the fields of a finding, with times as text.
Result<findings::Finding> read_submission(std::string_view json, UnixNs now);

}  // namespace watchfire::agent
