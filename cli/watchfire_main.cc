#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/memory.h"
#include "base/untrusted_text.h"
#include "base/version.h"
#include "cli/compare_command.h"
#include "cli/daemon_commands.h"
#include "cli/file_commands.h"
#include "cli/flame_command.h"
#include "cli/limit_flags.h"
#include "cli/pprof_command.h"
#include "cli/report_commands.h"
#include "cli/suggest.h"

namespace {

using Words = std::span<const std::string_view>;

/// One subcommand: its name, what it does in a line, and the function that runs it on the words after the name.
struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Words);
};

constexpr Command kCommands[] = {
    {"status", "what the daemon is doing", watchfire::cli::run_status},
    {"services", "services with stored profiles", watchfire::cli::run_services},
    {"targets", "scrape targets and their state", watchfire::cli::run_targets},
    {"top", "functions by cost, of a service or of files", watchfire::cli::run_top},
    {"tree", "functions between their callers and callees", watchfire::cli::run_tree},
    {"peek", "one function between its callers and callees", watchfire::cli::run_peek},
    {"list", "source lines of functions, with what each costs", watchfire::cli::run_list},
    {"traces", "every sample with its stack", watchfire::cli::run_traces},
    {"tags", "labels, and what each of their values costs", watchfire::cli::run_tags},
    {"diff", "what became more and less between two profiles", watchfire::cli::run_diff},
    {"compare", "many profiles of one job, ranked and explained", watchfire::cli::run_compare},
    {"flame", "a flame graph as SVG or HTML, also of a difference", watchfire::cli::run_flame},
    {"info", "what is in a profile, and what is missing", watchfire::cli::run_info},
    {"merge", "several profiles as one", watchfire::cli::run_merge},
    {"convert", "profiles in another format", watchfire::cli::run_convert},
    {"query", "any query, as a list of series or a pprof profile", watchfire::cli::run_query},
    {"analyze", "analyse services now", watchfire::cli::run_analyze},
    {"findings", "open findings", watchfire::cli::run_findings},
    {"digest", "the last digest, or a new one", watchfire::cli::run_digest},
    {"push", "send a profile file to the daemon", watchfire::cli::run_push},
    {"doctor", "check rights, kernel, symbols, disk and daemon", watchfire::cli::run_doctor},
    {"pprof", "report on profile files, as go tool pprof", watchfire::cli::run_pprof},
};

std::string usage() {
  std::string text = "usage: watchfire COMMAND [ARGUMENT]...\n\ncommands:\n";
  for (const Command& c : kCommands) {
    std::string name(c.name);
    name.resize(std::max<size_t>(name.size(), 12), ' ');
    text += "  " + name + std::string(c.summary) + "\n";
  }
  return text +
         "\n`watchfire help COMMAND` says more about each, `watchfire help limits` how large a profile may be.\n"
         "exit codes: 0 good, 1 failed, 2 wrong usage, 3 the daemon or a program at a URL does not answer, 4 nothing\n"
         "found; `watchfire pprof` gives 2 for any failure, as pprof does\n";
}

int print_usage(int fd, int code) {
  (void)watchfire::write_all(fd, usage());
  return code;
}

const Command* find_command(std::string_view name) {
  auto found = std::ranges::find(kCommands, name, &Command::name);
  return found == std::end(kCommands) ? nullptr : found;
}

int refuse_command(std::string_view word) {
  std::vector<std::string> names;
  for (const Command& c : kCommands) names.emplace_back(c.name);
  std::string nearest = watchfire::cli::nearest_name(word, names);
  std::string shown = watchfire::escape_terminal(word);
  std::string hint = usage();
  if (access(std::string(word).c_str(), F_OK) == 0)
    hint = "  reports on files begin with a command: watchfire top " + shown + "\n";
  else if (!nearest.empty())
    hint = "  did you mean " + nearest + "? `watchfire help` lists all\n";
  (void)watchfire::write_all(STDERR_FILENO, "watchfire: no command " + shown + "\n" + hint);
  return 2;
}

/// The words after "help".
int help(Words words) {
  if (words.empty()) return print_usage(STDOUT_FILENO, 0);
  if (words[0] == "limits") {
    (void)watchfire::write_all(STDOUT_FILENO, watchfire::cli::limits_help());
    return 0;
  }
  const Command* command = find_command(words[0]);
  constexpr std::string_view kHelp[] = {"--help"};
  return command != nullptr ? command->run(kHelp) : refuse_command(words[0]);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  watchfire::keep_freed_memory();
  std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (words.empty()) return print_usage(STDERR_FILENO, 2);
  if (words[0] == "-h" || words[0] == "--help") return print_usage(STDOUT_FILENO, 0);
  if (words[0] == "help") return help(Words(words).subspan(1));
  if (words[0] == "--version" || words[0] == "version") {
    (void)watchfire::write_all(STDOUT_FILENO, "watchfire " + std::string(watchfire::kVersion) + "\n");
    return 0;
  }
  if (const Command* command = find_command(words[0])) return command->run(Words(words).subspan(1));
  return refuse_command(words[0]);
}
