#include "cli/pprof_command.h"

#include <unistd.h>

#include "base/fd.h"
#include "cli/go_flags.h"
#include "cli/pprof_load.h"
#include "cli/pprof_options.h"
#include "cli/pprof_report.h"
#include "cli/pprof_shell.h"

namespace watchfire::cli {
namespace {

constexpr int kExitFailure = 2;

void print_notes(std::vector<std::string>& notes) {
  for (const std::string& note : notes) print_pprof_note(note);
  notes.clear();
}

Status run(std::span<const std::string_view> words) {
  std::vector<std::string> notes;
  auto options = parse_pprof_options(words, notes);
  print_notes(notes);
  if (!options) return fail(std::move(options).error());
  options->source.say = [](std::string_view line) { print_pprof_note(line, false); };
  auto profile = load_profile(*options, notes);
  print_notes(notes);
  if (!profile) return fail(std::move(profile).error());
  if (options->command == nullptr) return run_pprof_shell(*std::move(profile), options->config);
  Status printed = print_pprof_report(*std::move(profile), *options->command, options->symbol, options->config, notes);
  print_notes(notes);
  return printed;
}

}  // namespace

Result<std::string> pprof_report(std::span<const std::string_view> words, std::string& output,
                                 std::vector<std::string>& notes) {
  WF_ASSIGN(PprofOptions options, parse_pprof_options(words, notes));
  if (options.command == nullptr) return fail(ErrorCode::kInvalidArgument, "no report named");
  output = options.config.output;
  WF_ASSIGN(profile::Profile p, load_profile(options, notes));
  return make_pprof_report(std::move(p), *options.command, options.symbol, options.config, notes);
}

int run_pprof(std::span<const std::string_view> words) {
  Status status = run(words);
  if (status) return 0;
  if (status.error().code == ErrorCode::kCancelled && status.error().message == kHelpRequested) {
    (void)write_all(STDOUT_FILENO, pprof_usage());
    return 0;
  }
  print_pprof_note("watchfire pprof: " + status.error().text());
  return kExitFailure;
}

}  // namespace watchfire::cli
