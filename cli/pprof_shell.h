#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/pprof_commands.h"
#include "cli/pprof_config.h"

namespace watchfire::cli {

/// pprof's shell: reports by name, "variable=value", top10, regular expressions, "-ignored", ">file", help, options.
/// What it answers on stdout is byte for byte pprof's. Ends at "quit" or at the end of the input. Reads lines from the
/// terminal, with completion and history, or from standard input as it is.
Status run_pprof_shell(profile::Profile p, PprofConfig config);

/// One session without its input and output: lines go in, reports come out.
class PprofShell {
 public:
  struct Output {
    /// Text for people, and failures.
    std::function<void(std::string_view)> print, print_error;
    /// A report: the command, the file it goes to or "", and the bytes.
    std::function<Status(const PprofCommand&, const std::string&, std::string_view)> deliver;
  };

  PprofShell(profile::Profile p, PprofConfig config, Output output);

  void greet();
  /// False when the session is over.
  bool run_line(std::string_view line);
  /// The line with its last word completed, as far as there is one way to.
  std::string complete(std::string_view line) const;

 private:
  bool run_command(std::string_view line);
  bool assign(std::string_view line);
  void run_report(std::vector<std::string> words);
  void print_options() const;
  void print_help(const std::vector<std::string>& words) const;
  std::vector<std::string> expand(std::string_view line) const;
  void flush(std::vector<std::string>& notes) const;

  profile::Profile profile_;
  PprofConfig config_;
  Output output_;
};

}  // namespace watchfire::cli
