#include "agent/api_client.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/config_tree.h"

namespace watchfire::agent {
namespace {

constexpr size_t kMaxAnswerBytes = 256u << 20;
constexpr size_t kMaxErrorBytes = 4096;

// The API's {code, message, hint} back as an Error. The body is JSON, which is YAML.
Error api_error(const net::FetchResponse& response) {
  Error error(ErrorCode::kInternal, "the daemon answered " + std::to_string(response.status));
  auto root = parse_config(response.body);
  if (!root) return error;
  auto text = [&](std::string_view key) {
    const ConfigValue* v = root->find(key);
    return v == nullptr ? std::string() : v->scalar;
  };
  if (std::string message = text("message"); !message.empty()) error.message = message;
  error.hint = text("hint");
  for (auto code :
       {ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kPermissionDenied, ErrorCode::kUnavailable,
        ErrorCode::kCorrupt, ErrorCode::kResourceExhausted, ErrorCode::kUnsupported, ErrorCode::kCancelled})
    if (error_code_name(code) == text("code")) error.code = code;
  return error;
}

}  // namespace

std::string ApiClient::default_socket() {
  const char* from_environment = std::getenv("WATCHFIRE_SOCKET");
  return from_environment != nullptr && *from_environment != 0 ? from_environment : "/run/watchfire/control.sock";
}

net::FetchRequest ApiClient::make_request(const std::string& method, const std::string& path,
                                          const Params& params) const {
  net::FetchRequest r;
  r.method = method;
  r.unix_socket = socket_path_;
  r.url = "http://localhost" + path;
  char separator = '?';
  for (const auto& [name, value] : params) {
    r.url += separator + net::percent_encode(name) + '=' + net::percent_encode(value);
    separator = '&';
  }
  r.timeout = 5 * kMinute;
  r.max_body_bytes = kMaxAnswerBytes;
  return r;
}

// Where there is no socket, or no right to it, the transport tells of ports that nobody named.
std::string ApiClient::reason(const Error& e) const {
  if (access(socket_path_.c_str(), W_OK) == 0) return e.message;
  return std::generic_category().message(errno);
}

Result<net::FetchResponse> ApiClient::run(net::FetchRequest request) const {
  if (deadline_ != 0) {
    DurationNs left = deadline_ - boot_ns();
    if (left <= 0) return fail(ErrorCode::kCancelled, "the time for asking the daemon is over");
    request.timeout = std::min(request.timeout, left);
  }
  auto response = net::fetch(request);
  if (!response) {
    Error e = std::move(response).error();
    if (e.code == ErrorCode::kUnavailable)
      e = Error(ErrorCode::kUnavailable, "the daemon does not answer on " + socket_path_ + ": " + reason(e))
              .hinted(
                  "start it with ./run or `systemctl start watchfired`, give --socket PATH, or join the group "
                  "watchfire");
    return fail(std::move(e));
  }
  if (response->status != 200 && !request.on_data) return fail(api_error(*response));
  return response;
}

Result<net::FetchResponse> ApiClient::get(const std::string& path, const Params& params) const {
  return run(make_request("GET", path, params));
}

Result<net::FetchResponse> ApiClient::post(const std::string& path, const Params& params, std::string body) const {
  net::FetchRequest r = make_request("POST", path, params);
  r.body = std::move(body);
  return run(r);
}

Status ApiClient::stream(const std::string& path, const Params& params,
                         const std::function<void(std::string_view)>& on_line) const {
  net::FetchRequest r = make_request("POST", path, params);
  std::string rest, start;
  r.on_data = [&](std::string_view data) {
    if (start.size() < kMaxErrorBytes) start += data;
    rest += data;
    for (size_t end; (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1))
      on_line(std::string_view(rest).substr(0, end));
    return true;
  };
  WF_ASSIGN(auto response, run(r));
  if (response.status == 200) return {};
  response.body = start;
  return fail(api_error(response));
}

}  // namespace watchfire::agent
