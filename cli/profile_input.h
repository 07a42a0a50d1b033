#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/limit_flags.h"
#include "cli/profile_sources.h"
#include "profile/named_report.h"

namespace watchfire::cli {

/// What the commands on profiles share: where the profiles come from (files and other sources of profile_sources.h, or
/// a stored service by --service and --type or a whole --selector), how they are filtered, and where the answer goes.
struct ProfileInput {
  Common common;
  std::vector<std::string> files;
  std::string service, type, selector;
  std::map<std::string, std::string> options;  ///< of reports, by name; "" for those not given
  bool cum = false;
  int seconds = -1;                    ///< how long a program at a URL measures; -1: as it likes
  std::string source_path, trim_path;  ///< of list
  std::string output;
  std::string color = "auto";
  LimitFlags limits;

  ProfileInput();
  /// Flags about sources and limits.
  void add_sources(CLI::App& app, const std::string& files_help);
  /// Flags that filter and shape a report.
  void add_filters(CLI::App& app);
  /// --output and --color.
  void add_output(CLI::App& app);

  /// How sources are read.
  Result<SourceOptions> source_options() const;
  std::string selector_text() const;
  profile::ReportParams params() const;
  /// The profile of `names`, or of the store when there are none; function names readable. Notes go to stderr.
  Result<profile::Profile> load(const std::vector<std::string>& names) const;
  /// As load, without the frames that the profile calls uninteresting: what reports and pictures are made of.
  Result<profile::Profile> load_for_report(const std::vector<std::string>& names) const;
  /// Writes text for people: to --output as it is, else to stdout, escaped, and cut and coloured for a terminal.
  int show(const std::string& text) const;
  /// Writes bytes: to --output, else to stdout.
  int write(const std::string& bytes) const;
};

/// Leaves the samples that the filters of a report leave.
Status filter_samples(profile::Profile& p, const profile::ReportParams& params);

/// Whether bytes would end on a terminal; `refuse_terminal` says what to do instead and gives the exit code.
bool would_fill_terminal(const std::string& output);
int refuse_terminal();

/// Prints notes to stderr.
void print_notes(const std::vector<std::string>& notes);

}  // namespace watchfire::cli
