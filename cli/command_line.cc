#include "cli/command_line.h"

#include <CLI/CLI.hpp>

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

int run_app(CLI::App& app, Words words, const std::function<int()>& body) {
  std::vector<std::string> arguments(words.rbegin(), words.rend());
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e);
    return code == 0 ? kExitGood : kExitUsage;
  }
  return body();
}

}  // namespace watchfire::cli
