#pragma once

#include <string>
#include <vector>

#include "agent/llm/client.h"
#include "agent/tools/toolbox.h"

namespace watchfire::agent::llm {

/// How a run ended and what it cost. What was found is in the toolbox, whatever the end.
struct Outcome {
  bool is_complete = false;  ///< the model said that it is done
  std::string end;           ///< why it ended, when not; parts of it are untrusted
  std::string summary;       ///< the model's last words; untrusted, never published
  int64_t calls = 0;
  int64_t tokens = 0;
  DurationNs elapsed = 0;
  size_t tool_calls = 0;
  size_t tool_errors = 0;
};

/// What the model is told before anything else.
std::string_view system_prompt();

/// Lets the model look at profiles through the toolbox until it is done, gives up, or a limit of the budget is met.
/// `task` is the first message. The model's only effects are calls of the toolbox: nothing it writes is fetched,
/// run or shown.
Outcome run_loop(const Client& client, const std::string& model, const std::string& task, Toolbox& tools,
                 Budget& budget);

}  // namespace watchfire::agent::llm
