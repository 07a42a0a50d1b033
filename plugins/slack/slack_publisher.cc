#include "plugins/slack/slack_publisher.h"

#include <algorithm>
#include <charconv>

#include "base/counters.h"
#include "base/fd.h"
#include "base/log.h"
#include "net/http_client.h"
#include "plugins/slack/slack_message.h"
#include "plugins/spool.h"

namespace watchfire::plugins {
namespace {

constexpr DurationNs kFirstWait = 2 * kSecond;
constexpr DurationNs kLongestWait = 10 * kMinute;
constexpr DurationNs kBetweenPosts = kSecond;  // Slack takes one a second
constexpr size_t kMaxAnswerBytes = 8u << 10;
constexpr size_t kMaxUrlBytes = 4096;

struct Options {
  std::string name = "slack";
  std::string webhook_file;
  int64_t max_findings = 5;
  DurationNs timeout = 10 * kSecond;
};

class SlackPublisher final : public Publisher {
 public:
  SlackPublisher(Options options, Spool spool) : options_(std::move(options)), spool_(std::move(spool)) {}

  std::string name() const override { return "slack:" + options_.name; }
  size_t waiting() const override { return spool_.size(); }

  Status publish(const Publication& publication) override {
    if (!publication.digest.has_news()) return {};
    WF_TRY(spool_.add(slack_message(publication.digest, static_cast<size_t>(options_.max_findings))));
    return deliver();
  }

  void retry() override {
    if (spool_.empty()) return;
    if (Status sent = deliver(); !sent) log_limited(LogLevel::kWarn, name(), name() + ": " + sent.error().text());
  }

 private:
  // Sends what is due, oldest first, until one has to wait.
  Status deliver() {
    while (!spool_.empty() && boot_ns() >= not_before_) {
      WF_ASSIGN(std::string message, spool_.front());
      Status sent = post(message);
      if (sent || sent.error().code != ErrorCode::kUnavailable) {
        spool_.pop();
        wait_ = kFirstWait;
        not_before_ = boot_ns() + kBetweenPosts;
      }
      if (sent) {
        count("slack_messages_total");
        continue;
      }
      if (sent.error().code != ErrorCode::kUnavailable) count_lost("messages", "slack_refused");
      return sent;
    }
    if (spool_.empty()) return {};
    return fail(ErrorCode::kUnavailable, std::to_string(spool_.size()) + " messages wait to be delivered");
  }

  Status post(const std::string& message) {
    WF_ASSIGN(std::string url, read_file(options_.webhook_file, kMaxUrlBytes));
    while (!url.empty() && (url.back() == '\n' || url.back() == '\r' || url.back() == ' ')) url.pop_back();
    net::FetchRequest request;
    request.method = "POST";
    request.url = url;
    request.headers["Content-Type"] = "application/json; charset=utf-8";
    request.body = message;
    request.timeout = options_.timeout;
    request.max_body_bytes = kMaxAnswerBytes;
    auto response = net::fetch(request);
    if (!response) return later(0, "no answer: " + response.error().message);
    return judge(*response);
  }

  Status judge(const net::FetchResponse& response) {
    if (response.status == 429) {
      int64_t seconds = 0;
      if (auto it = response.headers.find("retry-after"); it != response.headers.end())
        std::from_chars(it->second.data(), it->second.data() + it->second.size(), seconds);
      return later(std::clamp<int64_t>(seconds, 0, 3600) * kSecond, "it asks to wait (429)");
    }
    if (response.status >= 500) return later(0, "it answered " + std::to_string(response.status));
    bool refused = response.body.find("\"ok\":false") != std::string::npos;
    if (response.status == 200 && !refused) return {};
    return fail(Error(ErrorCode::kInvalidArgument,
                      "it refused the message: " + std::to_string(response.status) + " " + response.body.substr(0, 200))
                    .hinted("check the webhook in " + options_.webhook_file));
  }

  Status later(DurationNs at_least, const std::string& why) {
    not_before_ = boot_ns() + std::max(at_least, wait_);
    wait_ = std::min(wait_ * 2, kLongestWait);
    return fail(ErrorCode::kUnavailable, why + "; tried again later");
  }

  const Options options_;
  Spool spool_;
  DurationNs not_before_ = 0;
  DurationNs wait_ = kFirstWait;
};

}  // namespace

Result<std::unique_ptr<Publisher>> make_slack_publisher(const ConfigValue& value, const std::string& spool_directory) {
  Options options;
  std::string type;
  ObjectReader r(value, "publishers.slack");
  r.text("type", type);
  r.text("name", options.name);
  r.require("webhook_file");
  r.text("webhook_file", options.webhook_file);
  r.integer("max_findings", options.max_findings, 1, 20);
  r.duration("timeout", options.timeout, 100 * kMillisecond, kMinute);
  WF_TRY(r.finish());
  bool safe =
      !options.name.empty() && options.name.size() <= 40 &&
      std::ranges::all_of(options.name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  if (!safe)
    return fail(
        config_error(value, "publishers.slack.name: expected letters, digits, - and _, found '" + options.name + "'"));
  WF_ASSIGN(Spool spool, Spool::open(spool_directory + "/slack-" + options.name, {}));
  return std::unique_ptr<Publisher>(std::make_unique<SlackPublisher>(std::move(options), std::move(spool)));
}

}  // namespace watchfire::plugins
