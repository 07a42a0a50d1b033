#include "agent/llm/messages.h"

#include <gtest/gtest.h>

#include "agent/llm/client.h"
#include "base/json_tree.h"
#include "tests/support/scripted_model.h"

namespace watchfire::agent::llm {
namespace {

using test::model_says;
using test::text_block;
using test::tool_block;

TEST(Messages, a_request_has_model_limits_tools_and_turns) {
  Conversation c;
  c.add_user_text("look \"here\"\n");
  std::string json =
      encode_request({.model = "m-1", .max_tokens = 77, .system = "be brief"}, Toolbox::definitions(), c);
  auto root = parse_json(json);
  ASSERT_TRUE(root) << root.error().text();
  EXPECT_EQ(root->find("model")->scalar, "m-1");
  EXPECT_EQ(root->find("max_tokens")->scalar, "77");
  EXPECT_EQ(root->find("system")->items[0].find("text")->scalar, "be brief");
  EXPECT_EQ(root->find("tools")->items.size(), 6u);
  for (const auto& tool : root->find("tools")->items) {
    EXPECT_LE(tool.find("name")->scalar.size(), 64u);
    EXPECT_EQ(tool.find("input_schema")->find("type")->scalar, "object");
  }
  const auto& message = root->find("messages")->items.at(0);
  EXPECT_EQ(message.find("role")->scalar, "user");
  EXPECT_EQ(message.find("content")->items.at(0).find("text")->scalar, "look \"here\"\n");
}

TEST(Messages, thinking_goes_back_as_it_came) {
  std::string thinking = R"({"type":"thinking","thinking":"hm \"<x>\" é","signature":"c2ln+/=="})";
  std::string redacted = R"({"type":"redacted_thinking","data":"AAAA"})";
  auto reply = decode_reply(
      model_says(thinking + "," + redacted + "," + tool_block("t1", "top", R"({"service":"a"})"), "tool_use"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->content.at(0), thinking);
  EXPECT_EQ(reply->content.at(1), redacted);
  Conversation c;
  c.add_user_text("x");
  c.add_reply(*reply);
  std::string request = encode_request({.model = "m", .system = "s"}, {}, c);
  EXPECT_NE(request.find(thinking + "," + redacted), std::string::npos) << request;
}

TEST(Messages, all_results_of_a_turn_are_one_message) {
  Conversation c;
  c.add_user_text("x");
  c.add_results({{"t1", {"fine", false}}, {"t2", {"no", true}}});
  auto root = parse_json(encode_request({.model = "m", .system = "s"}, {}, c));
  ASSERT_TRUE(root);
  ASSERT_EQ(root->find("messages")->items.size(), 2u);
  const auto& blocks = root->find("messages")->items[1].find("content")->items;
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].find("tool_use_id")->scalar, "t1");
  EXPECT_EQ(blocks[0].find("is_error"), nullptr);
  EXPECT_EQ(blocks[1].find("is_error")->scalar, "true");
}

TEST(Messages, a_reply_gives_text_tools_stop_and_all_tokens) {
  auto reply = decode_reply(
      R"({"role":"assistant","content":[{"type":"text","text":"a"},{"type":"future","x":1},)"
      R"({"type":"tool_use","id":"t","name":"top","input":{"service":"s"}}],"stop_reason":"tool_use",)"
      R"("usage":{"input_tokens":1,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,"output_tokens":4000}})");
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->text, "a");
  EXPECT_EQ(reply->content.size(), 3u);
  ASSERT_EQ(reply->tool_uses.size(), 1u);
  EXPECT_EQ(reply->tool_uses[0].input, R"({"service":"s"})");
  EXPECT_EQ(reply->stop, StopReason::kToolUse);
  EXPECT_EQ(reply->tokens, 4321);
}

TEST(Messages, what_is_no_message_is_corrupt_and_nothing_else) {
  for (const char* bad :
       {"", "{", "[]", "null", "{}", R"({"role":"assistant"})", R"({"role":"user","content":[]})",
        R"({"role":"assistant","content":{}})", R"({"role":"assistant","content":[1]})", "<html>busy</html>",
        R"({"role":"assistant","content":[{"type":"tool_use","name":"top"}]})"}) {
    auto reply = decode_reply(bad);
    ASSERT_FALSE(reply) << bad;
    EXPECT_EQ(reply.error().code, ErrorCode::kCorrupt) << bad;
  }
  EXPECT_FALSE(decode_reply(std::string(100'000, '[')));
  auto odd = decode_reply(
      R"({"role":"assistant","content":[],"stop_reason":7,"usage":{"input_tokens":-5,"output_tokens":1e300}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->tokens, 0);
  EXPECT_EQ(odd->stop, StopReason::kOther);
}

TEST(Retry, waits_as_asked_else_longer_each_time_and_gives_up) {
  EXPECT_EQ(retry_wait(429, {{"retry-after", "3"}}, 0, 0.5, 0), 3 * kSecond);
  EXPECT_EQ(retry_wait(429, {{"retry-after-ms", "250"}, {"retry-after", "3"}}, 0, 0.5, 0), 250 * kMillisecond);
  EXPECT_EQ(retry_wait(429, {{"retry-after", "Thu, 01 Jan 1970 00:00:30 GMT"}}, 0, 0, 10 * kSecond), 20 * kSecond);
  EXPECT_EQ(retry_wait(429, {{"retry-after", "3600"}}, 0, 0, 0), kSecond / 2);  // too long: our own wait
  EXPECT_EQ(retry_wait(529, {}, 0, 0, 0), kSecond / 2);
  EXPECT_EQ(retry_wait(529, {}, 3, 0, 0), 4 * kSecond);
  EXPECT_EQ(retry_wait(529, {}, 0, 1, 0), 375 * kMillisecond);
  EXPECT_EQ(retry_wait(0, {}, 0, 0, 0), kSecond / 2);
  for (int status : {408, 409, 500, 503}) EXPECT_TRUE(retry_wait(status, {}, 0, 0, 0)) << status;
  for (int status : {400, 401, 403, 404, 413}) EXPECT_FALSE(retry_wait(status, {}, 0, 0, 0)) << status;
  EXPECT_FALSE(retry_wait(529, {}, 4, 0, 0));
  EXPECT_FALSE(retry_wait(529, {{"x-should-retry", "false"}}, 0, 0, 0));
  EXPECT_TRUE(retry_wait(400, {{"x-should-retry", "true"}}, 0, 0, 0));
}

TEST(Client, sends_no_key_in_the_clear_to_another_machine) {
  for (const char* bad : {"http://example.com", "ftp://x", "api.anthropic.com", "http://127.0.0.1@evil.example",
                          "http://localhost.evil.example/", "https://", "http://127.0.0.1.evil.example"})
    EXPECT_FALSE(Client::create(bad, {})) << bad;
  for (const char* good :
       {"https://api.anthropic.com", "http://127.0.0.1:8080/", "http://localhost/v1/messages", "http://[::1]:9"})
    EXPECT_TRUE(Client::create(good, {})) << good;
}

}  // namespace
}  // namespace watchfire::agent::llm
