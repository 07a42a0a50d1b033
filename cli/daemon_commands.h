#pragma once

#include "cli/command_line.h"

namespace watchfire::cli {

/// The commands that ask the daemon through its socket. Each takes the words after its name and gives an exit code: 0
/// good, 1 the answer is an error or a check failed, 2 wrong usage, 3 the daemon does not answer, 4 nothing found.
/// `--json` prints the API's JSON as it is; text goes through the terminal's escaper.
int run_status(Words words);
int run_targets(Words words);
int run_services(Words words);
int run_query(Words words);
int run_findings(Words words);
int run_digest(Words words);
int run_doctor(Words words);
int run_push(Words words);
/// `analyze --service X --since 1h` asks the daemon and shows progress. With files it runs offline (analyze_files).
int run_analyze(Words words);

}  // namespace watchfire::cli
