#pragma once

#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/profile_input.h"

namespace watchfire::cli {

/// How a flame graph is drawn.
struct FlameChoice {
  bool html = false;
  bool inverted = false;
  bool reversed = false;
  bool negate = false;
  bool normalize = false;  ///< scale the profile to the total of its base
  std::string title;       ///< "": the names of the sources
  std::string type;
};

/// A flame graph, of the difference to `base` where there is one; both must have the same types then.
Result<std::string> draw_flame(const profile::Profile& p, const profile::Profile* base, const FlameChoice& choice);

/// Filters, draws and writes it. An --output that ends with ".html" asks for HTML. Gives the exit code.
int show_flame(const ProfileInput& input, profile::Profile p, std::optional<profile::Profile> base, FlameChoice choice);

int run_flame(Words words);

}  // namespace watchfire::cli
