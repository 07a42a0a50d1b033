#include "net/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/fd.h"
#include "base/log.h"

namespace watchfire::net {
namespace {

constexpr int kBacklog = 64;
constexpr size_t kConnectionMemory = 64 << 10;  // request line and headers
constexpr size_t kMaxItems = 128;               // headers or query parameters of one request
constexpr size_t kStreamBlock = 64 << 10;
constexpr unsigned kStreamIdleSeconds = 600;

Result<Fd> listen_unix(const HttpServerOptions& o) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (o.unix_path.size() >= sizeof address.sun_path)
    return fail(Error(ErrorCode::kInvalidArgument, "the socket path " + o.unix_path + " is longer than 107 bytes")
                    .hinted("choose a shorter directory"));
  std::memcpy(address.sun_path, o.unix_path.c_str(), o.unix_path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(system_error(errno, "making a socket"));
  ::unlink(o.unix_path.c_str());
  mode_t before = ::umask(0777);
  int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int bind_errno = errno;
  ::umask(before);
  if (bound < 0) return fail(system_error(bind_errno, "binding " + o.unix_path));
  if (o.unix_group >= 0 && ::chown(o.unix_path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(o.unix_group)) < 0)
    log_warn("the group of " + o.unix_path + " could not be set: " + system_error(errno, "chown").message);
  if (::chmod(o.unix_path.c_str(), o.unix_mode) < 0) return fail(system_error(errno, "chmod " + o.unix_path));
  if (::listen(fd.get(), kBacklog) < 0) return fail(system_error(errno, "listening on " + o.unix_path));
  return fd;
}

Result<Fd> listen_tcp(const std::string& where) {
  auto colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  unsigned port = 0;
  std::string host = where.substr(0, colon == std::string::npos ? 0 : colon);
  const char* end = where.data() + where.size();
  bool good = colon != std::string::npos && ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1;
  if (good) {
    auto [p, ec] = std::from_chars(where.data() + colon + 1, end, port);
    good = ec == std::errc() && p == end && port < 65536;
  }
  if (!good)
    return fail(Error(ErrorCode::kInvalidArgument, "'" + where + "' is no address to listen on")
                    .hinted("write an IPv4 address and a port, such as 127.0.0.1:4046"));
  address.sin_port = htons(static_cast<uint16_t>(port));
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(system_error(errno, "making a socket"));
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || ::listen(fd.get(), kBacklog) < 0)
    return fail(system_error(errno, "listening on " + where));
  return fd;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// One request while it arrives.
struct Pending {
  HttpRequest request;
  bool too_large = false;
};

class Server final : public HttpServer {
 public:
  Server(const HttpServerOptions& options, Handler handler) : options_(options), handler_(std::move(handler)) {}
  ~Server() override {
    if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
    if (!options_.unix_path.empty()) ::unlink(options_.unix_path.c_str());
  }

  Status run() {
    bool is_unix = !options_.unix_path.empty();
    WF_ASSIGN(Fd fd, is_unix ? listen_unix(options_) : listen_tcp(options_.tcp_address));
    if (!is_unix) {
      sockaddr_in address{};
      socklen_t size = sizeof address;
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
      port_ = ntohs(address.sin_port);
    }
    daemon_ = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0,
                               nullptr, nullptr, &on_request, this, MHD_OPTION_LISTEN_SOCKET, fd.get(),
                               MHD_OPTION_CONNECTION_LIMIT, options_.max_connections, MHD_OPTION_CONNECTION_TIMEOUT,
                               options_.idle_timeout_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory,
                               MHD_OPTION_NOTIFY_COMPLETED, &on_completed, this, MHD_OPTION_END);
    if (daemon_ == nullptr) return fail(ErrorCode::kUnavailable, "the HTTP server did not start");
    fd.release();  // the daemon closes it
    return {};
  }

  int port() const override { return port_; }

 private:
  static MHD_Result on_request(void* self, MHD_Connection* c, const char* url, const char* method, const char*,
                               const char* data, size_t* size, void** state) {
    return static_cast<Server*>(self)->request(c, url, method, data, size, state);
  }
  static void on_completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
    delete static_cast<Pending*>(*state);
    *state = nullptr;
  }

  MHD_Result request(MHD_Connection* c, const char* url, const char* method, const char* data, size_t* size,
                     void** state);
  HttpResponse answer(const Pending& pending);
  static MHD_Result send(MHD_Connection* c, HttpResponse response);

  const HttpServerOptions options_;
  const Handler handler_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

MHD_Result collect_header(void* into, MHD_ValueKind, const char* name, const char* value) {
  auto& headers = *static_cast<Headers*>(into);
  if (headers.size() >= kMaxItems) return MHD_NO;
  headers[lower(name)] = value == nullptr ? "" : value;
  return MHD_YES;
}

MHD_Result collect_query(void* into, MHD_ValueKind, const char* name, const char* value) {
  auto& query = static_cast<HttpRequest*>(into)->query;
  if (query.size() >= kMaxItems) return MHD_NO;
  query.emplace(name, value == nullptr ? "" : value);
  return MHD_YES;
}

std::optional<PeerCredentials> peer_of(MHD_Connection* c) {
  const MHD_ConnectionInfo* info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (info == nullptr || ::getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return {};
  return PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

MHD_Result Server::request(MHD_Connection* c, const char* url, const char* method, const char* data, size_t* size,
                           void** state) {
  auto* pending = static_cast<Pending*>(*state);
  if (pending == nullptr) {
    pending = new Pending;  // owned by the connection until on_completed
    *state = pending;
    HttpRequest& r = pending->request;
    r.method = method;
    r.path = url;
    MHD_get_connection_values(c, MHD_HEADER_KIND, &collect_header, &r.headers);
    MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, &collect_query, &r);
    if (!options_.unix_path.empty()) r.peer = peer_of(c);
    uint64_t announced = 0;
    std::string_view length = r.header("content-length");
    std::from_chars(length.data(), length.data() + length.size(), announced);
    if (announced > options_.max_body_bytes) {
      pending->too_large = true;
      return send(c, answer(*pending));
    }
    return MHD_YES;
  }
  if (*size != 0) {
    if (pending->request.body.size() + *size > options_.max_body_bytes) {
      pending->too_large = true;
      pending->request.body.clear();
    }
    if (!pending->too_large) pending->request.body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  return send(c, answer(*pending));
}

HttpResponse Server::answer(const Pending& pending) {
  if (pending.too_large)
    return {413,
            "application/json",
            R"({"code":"resource_exhausted","message":"the body is longer than )" +
                std::to_string(options_.max_body_bytes) + R"( bytes"})",
            {},
            {}};
  return handler_(pending.request);
}

// An answer that is made while it is sent.
struct Stream {
  std::function<std::optional<std::string>()> next;
  std::string rest;
};

ssize_t stream_chunk(void* state, uint64_t, char* buffer, size_t most) {
  auto* stream = static_cast<Stream*>(state);
  if (stream->rest.empty()) {
    auto chunk = stream->next();
    if (!chunk) return MHD_CONTENT_READER_END_OF_STREAM;
    stream->rest = std::move(*chunk);
  }
  size_t n = std::min(most, stream->rest.size());
  std::memcpy(buffer, stream->rest.data(), n);
  stream->rest.erase(0, n);
  return static_cast<ssize_t>(n);
}

MHD_Result Server::send(MHD_Connection* c, HttpResponse response) {
  MHD_Response* r;
  if (response.next_chunk) {
    // Between two chunks it is we who are thinking; idle time counts that, too.
    MHD_set_connection_option(c, MHD_CONNECTION_OPTION_TIMEOUT, kStreamIdleSeconds);
    r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &stream_chunk,
                                          new Stream{std::move(response.next_chunk), {}},
                                          [](void* state) { delete static_cast<Stream*>(state); });
  } else {
    r = MHD_create_response_from_buffer(response.body.size(), response.body.data(), MHD_RESPMEM_MUST_COPY);
  }
  MHD_add_response_header(r, "Content-Type", response.content_type.c_str());
  MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(r, "Cache-Control", "no-store");
  for (const auto& [name, value] : response.headers) MHD_add_response_header(r, name.c_str(), value.c_str());
  MHD_Result queued = MHD_queue_response(c, static_cast<unsigned>(response.status), r);
  MHD_destroy_response(r);
  return queued;
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, Handler handler) {
  auto server = std::make_unique<Server>(options, std::move(handler));
  WF_TRY(server->run());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace watchfire::net
