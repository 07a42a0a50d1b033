#include "cli/stored_profile.h"

#include "base/config_tree.h"

namespace watchfire::cli {

Result<std::string> fetch_stored(const agent::ApiClient& client, const agent::Params& params,
                                 std::vector<std::string>& notes) {
  WF_ASSIGN(auto response, client.get("/api/v1/profile", params));
  auto header = response.headers.find("x-watchfire-status");
  if (header == response.headers.end()) return std::move(response.body);
  WF_ASSIGN(ConfigValue status, parse_config(header->second));
  if (const ConfigValue* said = status.find("notes"))
    for (const ConfigValue& note : said->items) notes.push_back(note.scalar);
  const ConfigValue* partial = status.find("partial");
  if (partial != nullptr && partial->scalar == "true")
    notes.emplace_back("the answer is cut: it does not hold all stored profiles; ask for a shorter range");
  return std::move(response.body);
}

}  // namespace watchfire::cli
