// What people write: the configuration, files of targets, the analyst's rules, JSON.

#include "agent/analyst/rule_set.h"
#include "base/json_tree.h"
#include "collectors/scrape/target.h"
#include "daemon/config.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

namespace {

// Every target of an accepted job has an address, a service and an identity.
void check_targets(const collectors::ScrapeJob& job, const std::vector<collectors::TargetGroup>& groups) {
  auto targets = collectors::make_targets(job, groups);
  check(targets.size() <= job.target_limit);
  for (const auto& t : targets)
    for (const auto& [name, endpoint] : job.endpoints)
      check(!t.address.empty() && !t.url(endpoint).empty() && !t.key().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (auto tree = parse_json(text); !tree) check(!tree.error().message.empty());
  auto groups = collectors::read_target_groups(text);
  if (groups) check_targets({.name = "job", .static_configs = {}}, *groups);
  if (auto config = daemon::read_config(text)) {
    for (const auto& job : config->scrape_jobs) check_targets(job, job.static_configs);
  } else {
    check(!config.error().text().empty());
  }
  if (auto rules = agent::RuleSet::parse(text)) (void)(*rules)->is_library("main.work", "/src/main.go", "/bin/server");
  return 0;
}
