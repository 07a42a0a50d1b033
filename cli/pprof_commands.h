#pragma once

#include <span>
#include <string>
#include <string_view>

#include "profile/report.h"

namespace watchfire::cli {

/// One report of pprof: a flag on the command line, a command in the shell.
struct PprofCommand {
  std::string_view name;
  profile::ReportKind kind;
  bool takes_regex = false;
  std::string_view help;
  std::string_view file_suffix = {};  ///< not for eyes: goes to "profileNNN.<this>" instead of a terminal
  std::string_view refusal = {};      ///< not supported yet: what to do instead
};

/// In order of their names.
std::span<const PprofCommand> pprof_commands();
const PprofCommand* find_pprof_command(std::string_view name);

/// "not supported yet: web (write -dot and draw it with graphviz)"
Error refusal_of(const PprofCommand& command, std::string_view written);

/// What `help`, or `-h` with a dash before the names, shows of commands and variables.
std::string command_and_variable_help(std::string_view dash);
/// What `help NAME` shows; "" when there is neither a command nor a variable of this name.
std::string help_on(std::string_view name);

}  // namespace watchfire::cli
