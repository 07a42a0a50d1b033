#pragma once

#include "cli/command_line.h"

namespace watchfire::cli {

/// Many profiles of one job beside each other, ranked and explained. Exit codes as in cli/terminal.h.
int run_compare(Words words);

}  // namespace watchfire::cli
