#pragma once

#include "cli/command_line.h"

namespace watchfire::cli {

/// Reports on stored profiles, by --service and --type or a whole --selector, or on profile files. Exit codes as in
/// cli/terminal.h.
int run_top(Words words);
int run_tree(Words words);
int run_peek(Words words);
int run_flame(Words words);

}  // namespace watchfire::cli
