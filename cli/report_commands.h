#pragma once

#include "cli/command_line.h"

namespace watchfire::cli {

/// Reports on profiles: of files, URLs and standard input, or of the daemon's store. Text for people, or --json. Exit
/// codes as in cli/terminal.h.
int run_top(Words words);
int run_tree(Words words);
int run_peek(Words words);
int run_list(Words words);
int run_traces(Words words);
int run_tags(Words words);
/// What became more and less from one profile to another.
int run_diff(Words words);

}  // namespace watchfire::cli
