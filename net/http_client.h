#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/http.h"

namespace watchfire::net {

/// How a server's certificate is judged.
struct TlsOptions {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
};

/// One outbound request with its limits. Redirects are never followed. Addresses of cloud metadata services and
/// link-local ones are refused at connect time, whatever name led there.
struct FetchRequest {
  std::string method = "GET";
  std::string url;
  std::string unix_socket;  ///< connect there instead; the URL's host is only a header
  Headers headers;
  std::string body;
  TlsOptions tls;
  std::string basic_auth_user;
  std::string basic_auth_password;
  DurationNs timeout = 10 * kSecond;  ///< for the whole exchange
  size_t max_body_bytes = 4u << 20;   ///< of the answer as received
  /// Called with each piece of the body instead of keeping it; giving false ends the exchange as kCancelled.
  std::function<bool(std::string_view)> on_data;
};

struct FetchResponse {
  int status = 0;
  Headers headers;
  std::string body;
  DurationNs duration = 0;
};

/// Runs one request on this thread. An HTTP error status is a response, not an error. Errors: kUnavailable
/// (refused, reset, TLS), kCancelled (timeout), kResourceExhausted (body limit), kPermissionDenied (address refused).
Result<FetchResponse> fetch(const FetchRequest& request);

/// Runs many requests at once on one thread of its own; none waits for another. Callbacks run on that thread
/// and must not block. Destroying it cancels what runs; those callbacks get kCancelled. The bodies being received hold
/// no more than `max_bytes_in_flight` together: beyond it the longest of them gives way (kResourceExhausted).
class FetchLoop {
 public:
  using Callback = std::function<void(Result<FetchResponse>)>;

  explicit FetchLoop(size_t max_bytes_in_flight = 64u << 20);
  ~FetchLoop();
  FetchLoop(const FetchLoop&) = delete;
  FetchLoop& operator=(const FetchLoop&) = delete;

  void start(FetchRequest request, Callback done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace watchfire::net
