// What a model sends: its replies, errors, and the findings it files. What is taken goes back out as valid JSON.

#include "agent/llm/messages.h"
#include "base/json_tree.h"
#include "findings/render.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

namespace {

void check_reply(std::string_view text) {
  auto reply = agent::llm::decode_reply(text);
  if (!reply) return;
  agent::llm::Conversation conversation;
  conversation.add_user_text("find what is slow");
  conversation.add_reply(*reply);
  std::vector<agent::llm::ToolResult> results;
  for (const auto& use : reply->tool_uses) results.push_back({use.id, {use.name, true}});
  if (!results.empty()) conversation.add_results(results);
  (void)agent::llm::encode_request({.model = "m", .system = "s"}, {}, conversation);
}

void check_finding(std::string_view text) {
  auto finding = findings::parse_finding(text);
  if (!finding) return;
  auto again = findings::parse_finding(findings::finding_json(*finding));
  check(again.has_value() && again->key == finding->key && again->evidence.size() == finding->evidence.size());
  findings::Digest digest;
  digest.findings.push_back(*finding);
  auto copy = findings::parse_digest(findings::digest_json(digest));
  check(copy && copy->findings.size() == 1 && copy->findings[0].key == finding->key);
  check(!findings::digest_markdown(digest).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_reply(text);
  check_finding(text);
  if (auto digest = findings::parse_digest(text)) check(parse_json(findings::digest_json(*digest)).has_value());
  check(agent::llm::error_text(text).size() <= 500);
  return 0;
}
