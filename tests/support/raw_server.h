#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"

namespace watchfire::test {

/// A TCP server on a free loopback port that gives every connection, after its request has arrived, to `behave`: for
/// peers that don't follow HTTP. `behave` runs on a thread a connection and must end when `stopping` is set.
class RawServer {
 public:
  using Behaviour = std::function<void(int fd, const std::string& request, const std::atomic<bool>& stopping)>;

  explicit RawServer(Behaviour behave) : behave_(std::move(behave)) {
    listen_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listen_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listen_.get(), 64);
    socklen_t size = sizeof address;
    ::getsockname(listen_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_loop(); });
  }
  ~RawServer() {
    stopping_ = true;
    thread_.join();
    for (auto& t : connections_) t.join();
  }

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }

  /// A complete answer with a length, closed afterwards.
  static void answer(int fd, int status, const std::string& headers, const std::string& body) {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\nConnection: close\r\n" + headers + "\r\n" + body;
    send_all(fd, text);
  }
  static bool send_all(int fd, std::string_view text) {
    while (!text.empty()) {
      ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      text.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  void accept_loop() {
    while (!stopping_) {
      pollfd p{listen_.get(), POLLIN, 0};
      if (::poll(&p, 1, 50) <= 0) continue;
      int fd = ::accept4(listen_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      connections_.emplace_back([this, fd] {
        Fd owned(fd);
        std::string request;
        char buffer[4096];
        timeval wait{5, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        size_t body_at = std::string::npos, want = 0;
        for (;;) {
          ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
          if (n <= 0) break;
          request.append(buffer, static_cast<size_t>(n));
          if (body_at == std::string::npos && (body_at = request.find("\r\n\r\n")) != std::string::npos) {
            body_at += 4;
            size_t length = request.find("Content-Length: ");
            if (length != std::string::npos && length < body_at) want = std::stoul(request.substr(length + 16));
          }
          if (body_at != std::string::npos && request.size() >= body_at + want) break;
        }
        ++requests_;
        behave_(fd, request, stopping_);
      });
    }
  }

  Behaviour behave_;
  Fd listen_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> requests_{0};
  std::vector<std::thread> connections_;
  std::thread thread_;
};

}  // namespace watchfire::test
