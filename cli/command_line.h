#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api_client.h"

namespace CLI {
class App;
}

namespace watchfire::cli {

using Words = std::span<const std::string_view>;

/// What most commands share: the socket, the range and the form of the answer.
struct Common {
  std::string socket;
  std::string since, start, end;
  bool json = false;

  Common();
  void add_to(CLI::App& app, bool with_range);
  agent::Params range() const;
  agent::ApiClient client() const { return agent::ApiClient(socket); }
};

/// Parses the words; `body` runs when there is something to run. Gives the exit code.
int run_app(CLI::App& app, Words words, const std::function<int()>& body);

}  // namespace watchfire::cli
