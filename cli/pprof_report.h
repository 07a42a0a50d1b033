#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/pprof_commands.h"
#include "cli/pprof_config.h"

namespace watchfire::cli {

/// One report as the bytes pprof prints. `symbol` is the regular expression of peek and list.
Result<std::string> make_pprof_report(profile::Profile p, const PprofCommand& command, const std::string& symbol,
                                      const PprofConfig& config, std::vector<std::string>& notes);

/// Brings a report to where it belongs: to the file `output`, else to stdout, escaped when that is a terminal; one not
/// made for eyes goes to a numbered file here instead of to a terminal or between a shell's answers. Says on stderr
/// which file it writes.
Status deliver_pprof_report(const PprofCommand& command, const std::string& output, std::string_view report,
                            bool in_shell);

/// Makes a report and delivers it; the long ones (traces, raw) pass through piece by piece.
Status print_pprof_report(profile::Profile p, const PprofCommand& command, const std::string& symbol,
                          const PprofConfig& config, std::vector<std::string>& notes);

/// Prints a line for people to stderr, escaped; line breaks at its end are not doubled. Errors are red on a terminal.
void print_pprof_note(std::string_view text, bool is_error = true);

}  // namespace watchfire::cli
