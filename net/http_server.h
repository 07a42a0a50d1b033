#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/http.h"

namespace watchfire::net {

/// Where one server listens and what it tolerates.
struct HttpServerOptions {
  std::string unix_path;    ///< a Unix socket; an old one there is replaced. Or:
  std::string tcp_address;  ///< "127.0.0.1:4046", port 0 for any free one
  unsigned unix_mode = 0660;
  int unix_group = -1;  ///< gid that the socket is given to; -1 leaves it
  size_t max_body_bytes = 20u << 20;
  unsigned max_connections = 128;
  unsigned idle_timeout_seconds = 20;
};

/// Serves HTTP/1.1 on one socket, a thread a connection. The handler runs on the connection's thread, so it may
/// block; it must be thread-safe. Requests over a limit are answered 413 or 431 without the handler.
///
/// Stopping (the destructor) waits for handlers that run.
class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;

  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options, Handler handler);
  virtual ~HttpServer() = default;

  /// The TCP port it listens on; 0 for a Unix socket.
  virtual int port() const = 0;
};

}  // namespace watchfire::net
