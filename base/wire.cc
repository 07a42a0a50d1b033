#include "base/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace watchfire {
namespace {

/// What travels in the packet itself; more goes into a memfd. Well below the default socket buffer.
constexpr size_t kMaxInline = 64u << 10;
constexpr size_t kMaxRefusal = 512;

std::string_view role_name(WireRole role) {
  switch (role) {
    case WireRole::kDaemon:
      return "watchfired";
    case WireRole::kCollector:
      return "watchfire-collect";
    case WireRole::kParser:
      return "watchfire-parse";
  }
  return "an unknown program";
}

/// Waits until `events` hold; false: not within `timeout`.
Result<bool> wait_for(int fd, short events, DurationNs timeout) {
  pollfd p{fd, events, 0};
  DurationNs deadline = boot_ns() + timeout;
  for (;;) {
    int ms = static_cast<int>(std::max<DurationNs>(0, (deadline - boot_ns() + kMillisecond - 1) / kMillisecond));
    int n = ::poll(&p, 1, ms);
    if (n > 0) return true;
    if (n == 0) return false;
    if (errno != EINTR) return fail(system_error(errno, "waiting for a socket"));
  }
}

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(Error(ErrorCode::kInvalidArgument, "'" + path + "' is no usable socket path")
                    .hinted("at most " + std::to_string(sizeof address.sun_path - 1) + " bytes"));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<ucred> peer_credentials(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return fail(system_error(errno, "reading the peer's credentials"));
  return peer;
}

/// One sendmsg. False: no room just now.
Result<bool> send_packet(int socket, const WireHeader& header, std::span<const std::byte> payload,
                         std::span<const int> fds) {
  iovec parts[2] = {{const_cast<WireHeader*>(&header), sizeof header},
                    {const_cast<std::byte*>(payload.data()), payload.size()}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (kWireMaxFds + 1))] = {};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = payload.empty() ? 1 : 2;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS) return false;
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
      return fail(ErrorCode::kUnavailable, "the peer closed the connection");
    return fail(system_error(errno, "sending"));
  }
}

std::vector<Fd> take_fds(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

std::unexpected<Error> broken(std::string_view how) {
  return fail(ErrorCode::kCorrupt, "the peer broke the protocol: " + std::string(how));
}

/// Checks one received packet and takes its payload out of the packet or the memfd.
Result<WireMessage> unpack(std::span<const std::byte> packet, std::vector<Fd> fds) {
  ByteReader reader(packet);
  auto header = reader.read<WireHeader>();
  if (!reader.ok()) return broken("a packet shorter than its header");
  if ((header.flags & ~kWireInMemfd) != 0 || header.reserved != 0) return broken("unknown flags");
  if (header.length > kWireMaxMessage)
    return broken("a message of " + std::to_string(header.length) + " bytes, the limit is " +
                  std::to_string(kWireMaxMessage));
  WireMessage message;
  message.type = static_cast<WireType>(header.type);
  if ((header.flags & kWireInMemfd) != 0) {
    if (fds.empty() || reader.remaining() != 0) return broken("no memfd where one is announced");
    auto payload = read_sealed_memfd(fds.back().get(), header.length);
    if (!payload) return fail(payload.error().with("the peer broke the protocol"));
    message.bytes = *std::move(payload);
    fds.pop_back();
  } else {
    auto rest = reader.take(reader.remaining());
    message.bytes.assign(rest.begin(), rest.end());
  }
  if (message.bytes.size() != header.length) return broken("a length that differs from the bytes sent");
  if (fds.size() > kWireMaxFds) return broken("too many descriptors");
  message.fds = std::move(fds);
  return message;
}

}  // namespace

Status WireChannel::send(WireType type, std::span<const std::byte> bytes, std::span<const int> fds,
                         DurationNs timeout) {
  if (bytes.size() > peer_max_bytes_)
    return fail(ErrorCode::kResourceExhausted, "a message of " + std::to_string(bytes.size()) +
                                                   " bytes is over the peer's limit of " +
                                                   std::to_string(peer_max_bytes_));
  if (fds.size() > kWireMaxFds) return fail(ErrorCode::kInternal, "too many descriptors for one message");
  WireHeader header{static_cast<uint32_t>(bytes.size()), static_cast<uint16_t>(type), 0, 0};
  std::vector<int> all(fds.begin(), fds.end());
  Fd memfd;
  if (bytes.size() > kMaxInline) {
    WF_ASSIGN(memfd, sealed_memfd("watchfire-message", bytes));
    all.push_back(memfd.get());
    header.flags = kWireInMemfd;
    bytes = {};
  }
  DurationNs deadline = boot_ns() + timeout;
  for (;;) {
    WF_ASSIGN(bool sent, send_packet(socket_.get(), header, bytes, all));
    if (sent) return {};
    WF_ASSIGN(bool room, wait_for(socket_.get(), POLLOUT, deadline - boot_ns()));
    if (!room) return fail(ErrorCode::kCancelled, "the peer does not read");
  }
}

Result<std::optional<WireMessage>> WireChannel::receive(DurationNs timeout) {
  WF_ASSIGN(bool ready, wait_for(socket_.get(), POLLIN, timeout));
  if (!ready) return std::nullopt;
  std::vector<std::byte> packet(sizeof(WireHeader) + kMaxInline);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (kWireMaxFds + 1))];
  iovec part{packet.data(), packet.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  // A reset is told before what the peer said last (why it refused us): ask once more.
  ssize_t n = 0;
  bool reset = false;
  do {
    n = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !std::exchange(reset, true))));
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (n < 0 && errno != ECONNRESET) return fail(system_error(errno, "receiving"));
  if (n <= 0) return fail(ErrorCode::kUnavailable, "the peer closed the connection");
  auto fds = take_fds(message);
  if ((message.msg_flags & MSG_TRUNC) != 0) return broken("a packet over " + std::to_string(kMaxInline) + " bytes");
  if ((message.msg_flags & MSG_CTRUNC) != 0) return broken("too many descriptors");
  packet.resize(static_cast<size_t>(n));
  WF_ASSIGN(WireMessage unpacked, unpack(packet, std::move(fds)));
  return std::optional<WireMessage>(std::move(unpacked));
}

Status WireChannel::send_hello(WireRole self) {
  WireHello hello;
  hello.role = self;
  return send(WireType::kHello, std::as_bytes(std::span(&hello, 1)));
}

Status WireChannel::await_hello(WireRole peer, DurationNs timeout) {
  WF_ASSIGN(auto message, receive(timeout));
  if (!message) return fail(ErrorCode::kCancelled, "the peer does not say HELLO");
  if (message->type == WireType::kRefused)
    return fail(ErrorCode::kUnsupported,
                "refused by the peer: " + std::string(as_text(message->bytes).substr(0, kMaxRefusal)));
  ByteReader reader(message->bytes);
  auto hello = reader.read<WireHello>();
  std::string why;
  if (message->type != WireType::kHello || !reader.ok() || hello.magic != kWireMagic)
    why = "the peer does not speak Watchfire's protocol";
  else if (hello.version != kWireVersion)
    why = "the peer speaks version " + std::to_string(hello.version) + " of the protocol, this process version " +
          std::to_string(kWireVersion) + ": install the same release of both";
  else if (hello.role != peer)
    why = "the peer is " + std::string(role_name(hello.role)) + ", expected was " + std::string(role_name(peer));
  if (why.empty()) {
    peer_max_bytes_ = std::min(hello.max_message_bytes, kWireMaxMessage);
    return {};
  }
  (void)send(WireType::kRefused, as_bytes(why));
  return fail(ErrorCode::kUnsupported, why);
}

Result<WireChannel> WireChannel::greet(Fd socket, WireRole self, WireRole peer, DurationNs timeout) {
  WF_ASSIGN(ucred who, peer_credentials(socket.get()));
  WireChannel channel(std::move(socket), who.uid, who.pid);
  // A peer that is gone already may have said why.
  auto sent = channel.send_hello(self);
  if (!sent && sent.error().code != ErrorCode::kUnavailable) return fail(sent.error());
  WF_TRY(channel.await_hello(peer, timeout));
  return channel;
}

Result<WireChannel> WireChannel::connect(const std::string& path, WireRole self, WireRole peer, DurationNs timeout) {
  WF_ASSIGN(sockaddr_un address, socket_address(path));
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail(system_error(errno, "making a socket"));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN)
      return fail(ErrorCode::kUnavailable, "nobody listens at " + path);
    return fail(system_error(errno, "connecting to " + path));
  }
  return greet(std::move(socket), self, peer, timeout);
}

Result<WireListener> WireListener::listen(const std::string& path, unsigned mode, std::vector<uid_t> allowed_uids) {
  WF_ASSIGN(sockaddr_un address, socket_address(path));
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail(system_error(errno, "making a socket"));
  struct stat st{};
  if (::lstat(path.c_str(), &st) == 0) {
    if (!S_ISSOCK(st.st_mode)) return fail(ErrorCode::kInvalidArgument, path + " is there and no socket");
    ::unlink(path.c_str());
  }
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return fail(system_error(errno, "binding " + path));
  if (::chmod(path.c_str(), mode) < 0) return fail(system_error(errno, "setting the mode of " + path));
  if (::listen(socket.get(), 16) < 0) return fail(system_error(errno, "listening on " + path));
  return WireListener(std::move(socket), path, std::move(allowed_uids));
}

Result<WireListener> WireListener::adopt(Fd socket, std::vector<uid_t> allowed_uids) {
  int type = 0, listening = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
    return fail(ErrorCode::kInvalidArgument, "the inherited descriptor is no SOCK_SEQPACKET socket");
  size = sizeof listening;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 || listening == 0)
    return fail(ErrorCode::kInvalidArgument, "the inherited socket does not listen");
  int flags = ::fcntl(socket.get(), F_GETFL);
  if (::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) return fail(system_error(errno, "fcntl"));
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  return WireListener(std::move(socket), "", std::move(allowed_uids));
}

WireListener::~WireListener() {
  if (socket_ && !path_.empty()) ::unlink(path_.c_str());
}

void WireListener::forget() {
  socket_.reset();
  path_.clear();
}

Result<std::optional<WireChannel>> WireListener::accept(WireRole self, WireRole peer, DurationNs hello_timeout) {
  Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED) return std::nullopt;
    return fail(system_error(errno, "accepting a peer"));
  }
  WF_ASSIGN(ucred who, peer_credentials(socket.get()));
  bool allowed =
      who.uid == 0 || who.uid == ::geteuid() || std::ranges::find(allowed_uids_, who.uid) != allowed_uids_.end();
  if (!allowed) {
    std::string why = "user " + std::to_string(who.uid) + " may not connect here";
    WireHeader header{static_cast<uint32_t>(why.size()), static_cast<uint16_t>(WireType::kRefused), 0, 0};
    (void)send_packet(socket.get(), header, as_bytes(why), {});
    return fail(ErrorCode::kPermissionDenied, why);
  }
  WF_ASSIGN(WireChannel channel, WireChannel::greet(std::move(socket), self, peer, hello_timeout));
  return std::optional<WireChannel>(std::move(channel));
}

}  // namespace watchfire
