#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "base/json_tree.h"
#include "plugins/slack/slack_message.h"
#include "plugins/slack/slack_publisher.h"
#include "tests/support/raw_server.h"
#include "tests/support/temp_dir.h"

namespace watchfire::plugins {
namespace {

using findings::Digest;
using findings::Finding;
using findings::Life;
using test::RawServer;

Finding finding(const std::string& service, const std::string& function, Life life = Life::kNew) {
  Finding f;
  f.key = service + function;
  f.service = UntrustedText(service);
  f.cause_class = "regex_compile";
  f.function = UntrustedText(function);
  f.title = UntrustedText(function + " compiles regular expressions");
  f.share = 0.5;
  f.amount = 0.25;
  f.gain_bound = 0.25;
  f.samples = 1000;
  f.life = life;
  f.evidence.push_back({.query = "process_cpu:cpu{service_name=\"x\"}",
                        .range = {},
                        .tool = "peek",
                        .function = f.function,
                        .numbers = {},
                        .command = "watchfire peek --service " + service + " " + function});
  return f;
}

Digest digest(std::vector<Finding> list) {
  Digest d;
  d.created = 1'800'000'000 * kSecond;
  d.range = {d.created - kHour, d.created};
  d.host = "host1";
  d.findings = std::move(list);
  return d;
}

// What Slack checks of a webhook's body; "" when it would take it. Limits from its Block Kit reference.
std::string slack_objection(const std::string& body) {
  auto root = parse_json(body);
  if (!root) return "invalid_payload: " + root.error().message;
  const ConfigValue* blocks = root->find("blocks");
  if (blocks == nullptr || root->find("text") == nullptr) return "no_text";
  if (blocks->items.size() > 50) return "too many blocks";
  size_t chars = 0;
  for (const ConfigValue& block : blocks->items) {
    const std::string& type = block.find("type")->scalar;
    if (type == "context") {
      for (const ConfigValue& e : block.find("elements")->items) chars += e.find("text")->scalar.size();
      continue;
    }
    const std::string& text = block.find("text")->find("text")->scalar;
    chars += text.size();
    if (text.empty()) return "empty text";
    if (type == "header" && text.size() > 150) return "header too long";
    if (type == "section" && text.size() > 3000) return "section too long";
    // Control sequences of mrkdwn start with an unescaped '<'.
    if (type == "section" && text.find('<') != std::string::npos) return "markup: " + text;
  }
  return chars > 13'000 ? "msg_blocks_too_long" : "";
}

TEST(SlackMessage, a_hostile_symbol_comes_out_inert_and_within_the_limits) {
  std::string symbol = "`<!channel> <@U1> *x* & </script>\n\x1b[31m";
  while (symbol.size() < 9000) symbol += "`<!here>` ";
  Finding f = finding("svc`<!channel>`", symbol);
  f.advice = "what helps";
  std::string body = slack_message(digest({f, f, f}), 5);
  EXPECT_EQ(slack_objection(body), "");
  EXPECT_EQ(body.find("<!"), std::string::npos);
  auto root = parse_json(body);
  ASSERT_TRUE(root);
  for (const ConfigValue& block : root->find("blocks")->items) {
    if (block.find("type")->scalar != "section") continue;
    const std::string& text = block.find("text")->find("text")->scalar;
    EXPECT_EQ(std::ranges::count(text, '`') % 2, 0) << "an open code span: " << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
}

TEST(SlackMessage, keeps_the_limits_with_many_findings_and_says_how_many_are_left_out) {
  std::vector<Finding> many;
  for (int i = 0; i < 200; ++i) many.push_back(finding("service" + std::to_string(i), std::string(300, 'f')));
  Digest d = digest(many);
  d.fixed = many;
  for (size_t max : {size_t{5}, size_t{20}, size_t{1000}}) EXPECT_EQ(slack_objection(slack_message(d, max)), "") << max;
  EXPECT_NE(slack_message(d, 5).find("195 more"), std::string::npos);
}

// A webhook that answers from a list, then "ok".
class Hook {
 public:
  struct Answer {
    int status = 200;
    std::string headers;
    std::string body = "ok";
    bool hang_up = false;
  };
  explicit Hook(std::vector<Answer> answers)
      : answers_(std::move(answers)), server_([this](int fd, const std::string& request, const auto&) {
          Answer answer;
          {
            std::lock_guard lock(mutex_);
            bodies_.push_back(request.substr(request.find("\r\n\r\n") + 4));
            if (bodies_.size() <= answers_.size()) answer = answers_[bodies_.size() - 1];
          }
          if (answer.hang_up) return;
          std::string objection = slack_objection(request.substr(request.find("\r\n\r\n") + 4));
          if (objection.empty())
            RawServer::answer(fd, answer.status, answer.headers, answer.body);
          else
            RawServer::answer(fd, 400, "", objection);
        }) {}

  std::unique_ptr<Publisher> publisher() {
    EXPECT_TRUE(write_file_atomically(dir_.path() + "/hook", "http://" + server_.address() + "/services/T/B/x\n"));
    auto value = parse_config("{type: slack, name: ops, webhook_file: " + dir_.path() + "/hook}");
    auto made = make_slack_publisher(*value, dir_.path() + "/spool");
    EXPECT_TRUE(made) << made.error().text();
    return std::move(*made);
  }
  size_t posts() {
    std::lock_guard lock(mutex_);
    return bodies_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<Answer> answers_;
  std::vector<std::string> bodies_;
  test::TempDir dir_;
  RawServer server_;
};

void retry_until_empty(Publisher& p) {
  for (int i = 0; i < 100 && p.waiting() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    p.retry();
  }
}

TEST(SlackPublisher, posts_news_and_keeps_silent_without) {
  Hook hook({});
  auto p = hook.publisher();
  EXPECT_TRUE(p->publish({digest({finding("api", "f")}), {}}));
  EXPECT_EQ(hook.posts(), 1u);
  EXPECT_TRUE(p->publish({digest({finding("api", "f", Life::kOpen)}), {}}));
  EXPECT_TRUE(p->publish({digest({}), {}}));
  EXPECT_EQ(hook.posts(), 1u);
  Digest failed = digest({});
  failed.error = "the store does not answer";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(p->publish({failed, {}}));
  EXPECT_EQ(hook.posts(), 2u);
}

TEST(SlackPublisher, waits_as_told_on_429_and_delivers_after_an_outage) {
  Hook hook({{429, "Retry-After: 1\r\n", "rate_limited"}, {200, "", "", true}, {503, "", "down"}});
  auto p = hook.publisher();
  EXPECT_FALSE(p->publish({digest({finding("api", "f")}), {}}));
  EXPECT_EQ(p->waiting(), 1u);
  p->retry();  // too early: nothing is sent
  EXPECT_EQ(hook.posts(), 1u);
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  p->retry();
  EXPECT_EQ(hook.posts(), 2u);
  EXPECT_EQ(p->waiting(), 1u);
}

TEST(SlackPublisher, a_hook_that_hangs_holds_nothing_up_for_long) {
  RawServer server([](int, auto&, const std::atomic<bool>& stopping) {
    while (!stopping) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.path() + "/hook", "http://" + server.address() + "/"));
  auto value = parse_config("{type: slack, timeout: 500ms, webhook_file: " + dir.path() + "/hook}");
  auto p = make_slack_publisher(*value, dir.path() + "/spool");
  ASSERT_TRUE(p) << p.error().text();
  DurationNs before = boot_ns();
  EXPECT_FALSE((*p)->publish({digest({finding("api", "f")}), {}}));
  EXPECT_LT(boot_ns() - before, 5 * kSecond);
  EXPECT_EQ((*p)->waiting(), 1u);
}

TEST(SlackPublisher, what_waited_survives_a_restart) {
  test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.path() + "/hook", "http://127.0.0.1:1/"));
  auto value = parse_config("{type: slack, webhook_file: " + dir.path() + "/hook}");
  {
    auto p = make_slack_publisher(*value, dir.path() + "/spool");
    ASSERT_TRUE(p);
    EXPECT_FALSE((*p)->publish({digest({finding("api", "f")}), {}}));
  }
  RawServer server([](int fd, auto&, auto&) { RawServer::answer(fd, 200, "", "ok"); });
  ASSERT_TRUE(write_file_atomically(dir.path() + "/hook", "http://" + server.address() + "/"));
  auto p = make_slack_publisher(*value, dir.path() + "/spool");
  ASSERT_TRUE(p);
  EXPECT_EQ((*p)->waiting(), 1u);
  retry_until_empty(**p);
  EXPECT_EQ(server.requests(), 1);
}

TEST(SlackPublisher, gives_up_on_what_slack_refuses) {
  Hook hook({{200, "", R"({"ok":false,"error":"no_service"})"}, {404, "", "no_team"}});
  auto p = hook.publisher();
  auto refused = p->publish({digest({finding("api", "f")}), {}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("no_service"), std::string::npos);
  EXPECT_EQ(p->waiting(), 0u);
}

TEST(SlackPublisher, its_spool_is_bounded) {
  Hook hook(std::vector<Hook::Answer>(200, {503, "", "down"}));
  auto p = hook.publisher();
  for (int i = 0; i < 80; ++i) (void)p->publish({digest({finding("api", std::to_string(i))}), {}});
  EXPECT_LE(p->waiting(), 50u);
}

}  // namespace
}  // namespace watchfire::plugins
