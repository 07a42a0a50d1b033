#include "cli/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "cli/suggest.h"
#include "cli/terminal.h"

namespace watchfire::cli {

Common::Common() : socket(agent::ApiClient::default_socket()) {}

void Common::add_to(CLI::App& app, bool with_range) {
  app.add_option("--socket", socket, "control socket of the daemon (or $WATCHFIRE_SOCKET)");
  app.add_flag("--json", json, "print JSON");
  if (!with_range) return;
  app.add_option("--since", since, "how far back: 15m, 1h, 2d (default 1h)");
  app.add_option("--start", start, "start of the range: RFC 3339, Unix seconds, now-2h");
  app.add_option("--end", end, "end of the range");
}

agent::Params Common::range() const {
  agent::Params p;
  if (!since.empty()) p["since"] = since;
  if (!start.empty()) p["start"] = start;
  if (!end.empty()) p["end"] = end;
  return p;
}

namespace {

/// What a word that was not expected may have been meant for, also where it is written with one dash, as for pprof.
void suggest_option(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  for (const std::string& word : app.remaining()) {
    std::string nearest = word.starts_with('-') ? nearest_name(word.substr(0, word.find('=')), names) : "";
    if (!nearest.empty()) (void)write_all(STDERR_FILENO, "Did you mean " + nearest + "?\n");
  }
}

}  // namespace

int run_app(CLI::App& app, Words words, const std::function<int()>& body) {
  std::vector<std::string> arguments(words.rbegin(), words.rend());
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e);
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) suggest_option(app);
    return code == 0 ? kExitGood : kExitUsage;
  }
  return body();
}

}  // namespace watchfire::cli
