#include "agent/llm/client.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <random>
#include <thread>

namespace watchfire::agent::llm {
namespace {

constexpr int kMaxRetries = 4;
constexpr size_t kMaxReplyBytes = 4u << 20;
constexpr DurationNs kFirstWait = kSecond / 2, kLongestWait = 8 * kSecond, kLongestAsked = kMinute;
constexpr const char* kPath = "/v1/messages";
constexpr const char* kVersion = "2023-06-01";

std::string_view host_of(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

std::string_view header(const net::Headers& headers, std::string_view name) {
  auto it = headers.find(name);
  return it == headers.end() ? std::string_view() : std::string_view(it->second);
}

// What the endpoint asks for: milliseconds, seconds or a date.
std::optional<DurationNs> asked_wait(const net::Headers& headers, UnixNs now) {
  auto number = [](std::string_view text, DurationNs unit) -> std::optional<DurationNs> {
    std::string copy(text);
    char* end = nullptr;
    double n = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end != 0 || !(n >= 0) || n > 1e6) return std::nullopt;
    return static_cast<DurationNs>(n * static_cast<double>(unit));
  };
  if (auto wait = number(header(headers, "retry-after-ms"), kMillisecond)) return wait;
  std::string after(header(headers, "retry-after"));
  if (auto wait = number(after, kSecond)) return wait;
  tm parts{};
  if (!after.empty() && ::strptime(after.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) != nullptr)
    return std::max<DurationNs>(0, static_cast<int64_t>(::timegm(&parts)) * kSecond - now);
  return std::nullopt;
}

double random_part() {
  static thread_local std::minstd_rand engine(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

Error status_error(int status, std::string_view what) {
  ErrorCode code = ErrorCode::kUnavailable;
  if (status == 401 || status == 403) code = ErrorCode::kPermissionDenied;
  if (status == 400 || status == 404 || status == 413) code = ErrorCode::kInvalidArgument;
  std::string message = "the endpoint answered " + std::to_string(status);
  if (!what.empty()) message += ", " + std::string(what);
  return Error(code, std::move(message));
}

}  // namespace

std::optional<DurationNs> retry_wait(int status, const net::Headers& headers, int attempt, double random, UnixNs now) {
  std::string_view should = header(headers, "x-should-retry");
  bool again = status == 0 || status == 408 || status == 409 || status == 429 || status >= 500;
  if (should == "true") again = true;
  if (should == "false") again = false;
  if (!again || attempt >= kMaxRetries) return std::nullopt;
  if (auto asked = asked_wait(headers, now); asked && *asked <= kLongestAsked) return asked;
  DurationNs wait = std::min(kLongestWait, kFirstWait << std::min(attempt, 10));
  return static_cast<DurationNs>(static_cast<double>(wait) * (1 - 0.25 * random));
}

Result<Client> Client::create(const std::string& endpoint, Secret key) {
  bool clear = endpoint.starts_with("http://");
  if (!clear && !endpoint.starts_with("https://"))
    return fail(Error(ErrorCode::kInvalidArgument, "model.endpoint is no http or https URL")
                    .hinted("https://api.anthropic.com"));
  std::string_view host = host_of(endpoint);
  if (endpoint.find('@') != std::string::npos || host.empty())
    return fail(ErrorCode::kInvalidArgument, "model.endpoint has no host, or a user in it");
  if (clear && host != "127.0.0.1" && host != "localhost" && host != "[::1]")
    return fail(Error(ErrorCode::kInvalidArgument, "model.endpoint would send the key in the clear")
                    .hinted("write https://, or let a local proxy speak TLS"));
  std::string url = endpoint;
  while (url.ends_with('/')) url.pop_back();
  if (!url.ends_with(kPath)) url += kPath;
  return Client(std::move(url), std::move(key));
}

Result<net::FetchResponse> Client::try_once(const std::string& request, Budget& budget) const {
  net::FetchRequest r;
  r.method = "POST";
  r.url = url_;
  r.headers = {{"content-type", "application/json"}, {"anthropic-version", kVersion}, {"x-api-key", key_.reveal()}};
  r.body = request;
  r.timeout = std::max<DurationNs>(kMillisecond, budget.time_left());
  r.max_body_bytes = kMaxReplyBytes;
  budget.add_call();
  return net::fetch(r);
}

Result<Reply> Client::send(const std::string& request, Budget& budget) const {
  for (int attempt = 0;; ++attempt) {
    if (std::string ended = budget.ended(); !ended.empty()) return fail(ErrorCode::kCancelled, std::move(ended));
    auto response = try_once(request, budget);
    if (response && response->status == 200) return decode_reply(response->body);
    if (!response && response.error().code == ErrorCode::kCancelled)
      return fail(ErrorCode::kCancelled, budget.time_is_over());  // it had all the time that was left
    if (!response && response.error().code != ErrorCode::kUnavailable) return fail(response.error());
    Error error = response ? status_error(response->status, key_.redacted(error_text(response->body)))
                           : response.error().with("the endpoint does not answer");
    auto wait = retry_wait(response ? response->status : 0, response ? response->headers : net::Headers{}, attempt,
                           random_part(), now_ns());
    if (!wait) return fail(std::move(error));
    if (*wait >= budget.time_left())
      return fail(std::move(error).with("the limit of " + format_duration(budget.limits().time) +
                                        " does not allow to try again"));
    std::this_thread::sleep_for(std::chrono::nanoseconds(*wait));
  }
}

}  // namespace watchfire::agent::llm
