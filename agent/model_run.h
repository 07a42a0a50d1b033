#pragma once

#include <string>

#include "agent/api_client.h"
#include "agent/llm/loop.h"
#include "findings/finding.h"

namespace watchfire::agent {

/// One look of the model at what the daemon has.
struct ModelRun {
  std::string model;
  llm::Limits limits;
};

/// What a run did.
struct ModelRunReport {
  llm::Outcome outcome;
  size_t filed = 0;           ///< new findings
  size_t measured_again = 0;  ///< open findings of earlier runs, filed with their new numbers or as fixed
  size_t struck = 0;
};

/// The daemon's last digest; kNotFound before the first.
Result<findings::Digest> last_digest(const ApiClient& api);

/// Measures the model's open findings again in the digest's window, lets the model look for new ones, and files both
/// through the API. Errors are those of the daemon; a model that fails is an outcome, not an error.
Result<ModelRunReport> run_model(ApiClient& api, const llm::Client& client, const ModelRun& run,
                                 const findings::Digest& digest);

/// The first message to the model: the window, what each service costs, what is found already. At most 12 KB.
std::string task_text(const findings::Digest& digest, const std::vector<findings::Finding>& open);

}  // namespace watchfire::agent
