#pragma once

#include <functional>
#include <string>

#include "agent/llm/budget.h"
#include "agent/llm/messages.h"
#include "base/secret.h"
#include "net/http_client.h"

namespace watchfire::agent::llm {

/// Talks to one endpoint of the Anthropic Messages API and to no other address; redirects are not followed.
///
/// Answers 408, 409, 429 and from 500 on are tried again, as are connections that fail: after `retry-after` when it is
/// at most a minute, else after 0.5 s, 1 s, 2 s ... 8 s less a random quarter; `x-should-retry` overrides. Every try is
/// a call of the budget, and neither a try nor a wait goes beyond its time. One thread.
class Client {
 public:
  /// kInvalidArgument when the endpoint is no http(s) URL, or would send the key in the clear to another machine.
  static Result<Client> create(const std::string& endpoint, Secret key);

  /// kCancelled with the limit's name when the budget ended; messages of the endpoint inside errors are untrusted and
  /// never hold the key.
  Result<Reply> send(const std::string& request, Budget& budget) const;

 private:
  Client(std::string url, Secret key) : url_(std::move(url)), key_(std::move(key)) {}
  Result<net::FetchResponse> try_once(const std::string& request, Budget& budget) const;

  std::string url_;
  Secret key_;
};

/// How long to wait before try number `attempt` (0: the first one again), or nothing when it must not be tried again.
/// `random`: 0 to 1. For Client and its tests.
std::optional<DurationNs> retry_wait(int status, const net::Headers& headers, int attempt, double random, UnixNs now);

}  // namespace watchfire::agent::llm
