#pragma once

#include "cli/command_line.h"

namespace watchfire::cli {

/// Commands that take profiles and give files or facts. Exit codes as in cli/terminal.h.
int run_info(Words words);
int run_merge(Words words);
int run_convert(Words words);

}  // namespace watchfire::cli
