#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace watchfire::agent {

/// Parameters of a query string, in order of name.
using Params = std::map<std::string, std::string>;

/// Talks to the daemon through its control socket. Errors of the API come back as Errors with their code and hint; a
/// daemon that isn't there says how to start it. One call at a time.
class ApiClient {
 public:
  explicit ApiClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  /// --socket, else $WATCHFIRE_SOCKET, else /run/watchfire/control.sock.
  static std::string default_socket();

  /// No call lasts beyond this time of boot_ns(); those begun later are kCancelled. 0: only the time limit of a call.
  void set_deadline(DurationNs at) { deadline_ = at; }

  Result<net::FetchResponse> get(const std::string& path, const Params& params = {}) const;
  Result<net::FetchResponse> post(const std::string& path, const Params& params, std::string body) const;
  /// Calls `on_line` for each line of an NDJSON answer as it arrives.
  Status stream(const std::string& path, const Params& params,
                const std::function<void(std::string_view)>& on_line) const;

 private:
  net::FetchRequest make_request(const std::string& method, const std::string& path, const Params& params) const;
  Result<net::FetchResponse> run(net::FetchRequest request) const;
  std::string reason(const Error& unavailable) const;

  std::string socket_path_;
  DurationNs deadline_ = 0;
};

}  // namespace watchfire::agent
