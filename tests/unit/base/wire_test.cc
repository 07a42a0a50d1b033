#include "base/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "base/bytes.h"

namespace watchfire {
namespace {

struct Sockets {
  Sockets() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    a = Fd(ends[0]);
    b = Fd(ends[1]);
  }
  Fd a, b;
};

struct Pair {
  Pair() {
    Sockets s;
    std::thread other([&] { b = WireChannel::greet(std::move(s.b), WireRole::kDaemon, WireRole::kCollector); });
    a = WireChannel::greet(std::move(s.a), WireRole::kCollector, WireRole::kDaemon);
    other.join();
    EXPECT_TRUE(a && b);
  }
  Result<WireChannel> a = fail(ErrorCode::kInternal, "");
  Result<WireChannel> b = fail(ErrorCode::kInternal, "");
};

/// A channel whose peer is this raw socket, so that a test can send what no channel would.
struct Hostile {
  Hostile() {
    Sockets s;
    WireHello hello{.role = WireRole::kCollector};
    raw = std::move(s.b);
    send({sizeof hello, static_cast<uint16_t>(WireType::kHello), 0, 0}, as_text(std::as_bytes(std::span(&hello, 1))));
    channel = WireChannel::greet(std::move(s.a), WireRole::kDaemon, WireRole::kCollector);
    EXPECT_TRUE(channel);
  }
  void send(WireHeader header, std::string_view payload, std::vector<int> fds = {}) {
    std::string packet(reinterpret_cast<char*>(&header), sizeof header);
    packet += payload;
    iovec part{packet.data(), packet.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
      cmsghdr* c = CMSG_FIRSTHDR(&message);
      c->cmsg_level = SOL_SOCKET;
      c->cmsg_type = SCM_RIGHTS;
      c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
    }
    ::sendmsg(raw.get(), &message, MSG_NOSIGNAL);
  }
  ErrorCode received() {
    auto message = channel->receive(kSecond);
    return message ? ErrorCode::kInternal : message.error().code;
  }
  Fd raw;
  Result<WireChannel> channel = fail(ErrorCode::kInternal, "");
};

size_t open_descriptors() {
  size_t n = 0;
  for (int fd = 0; fd < 512; ++fd) n += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  return n;
}

TEST(WireChannel, messages_arrive_whole_and_in_order) {
  Pair p;
  ASSERT_TRUE(p.a->send(WireType::kWindow, as_bytes("one")));
  ASSERT_TRUE(p.a->send(WireType::kListeners, {}));
  auto first = p.b->receive(kSecond), second = p.b->receive(kSecond);
  ASSERT_TRUE(first && *first && second && *second);
  EXPECT_EQ(as_text((*first)->bytes), "one");
  EXPECT_EQ((*first)->type, WireType::kWindow);
  EXPECT_EQ((*second)->type, WireType::kListeners);
  EXPECT_TRUE((*second)->bytes.empty());
  auto none = p.b->receive(0);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST(WireChannel, a_large_message_travels_as_a_memfd_and_arrives_the_same) {
  Pair p;
  std::vector<std::byte> large(5u << 20);
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::byte>(i * 31);
  ASSERT_TRUE(p.a->send(WireType::kWindow, large));
  auto message = p.b->receive(kSecond);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ((*message)->bytes, large);
  EXPECT_TRUE((*message)->fds.empty());
}

TEST(WireChannel, descriptors_come_along_and_work) {
  Pair p;
  auto memfd = sealed_memfd("x", as_bytes("inside"));
  int fd = memfd->get();
  ASSERT_TRUE(p.a->send(WireType::kInspect, as_bytes("q"), std::span(&fd, 1)));
  auto message = p.b->receive(kSecond);
  ASSERT_TRUE(message && *message);
  ASSERT_EQ((*message)->fds.size(), 1u);
  auto inside = read_sealed_memfd((*message)->fds[0].get(), 100);
  ASSERT_TRUE(inside);
  EXPECT_EQ(as_text(*inside), "inside");
}

TEST(WireChannel, a_peer_that_does_not_read_makes_send_give_up_in_time) {
  Pair p;
  std::vector<std::byte> packet(60'000);
  Status sent;
  for (int i = 0; i < 1000 && sent; ++i) sent = p.a->send(WireType::kWindow, packet, {}, kMillisecond);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kCancelled);
}

TEST(WireChannel, a_peer_that_went_is_unavailable) {
  Pair p;
  p.b = fail(ErrorCode::kInternal, "");
  auto message = p.a->receive(kSecond);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::kUnavailable);
}

TEST(WireChannel, a_packet_shorter_than_its_header_is_corrupt) {
  Hostile h;
  ASSERT_EQ(::send(h.raw.get(), "abc", 3, 0), 3);
  EXPECT_EQ(h.received(), ErrorCode::kCorrupt);
}

TEST(WireChannel, a_length_that_lies_is_corrupt) {
  for (uint32_t length : {0u, 3u, 5u, 0xffffffffu}) {
    Hostile h;
    h.send({length, 16, 0, 0}, "four");
    EXPECT_EQ(h.received(), ErrorCode::kCorrupt) << length;
  }
}

TEST(WireChannel, unknown_flags_are_corrupt) {
  Hostile h;
  h.send({4, 16, 2, 0}, "four");
  EXPECT_EQ(h.received(), ErrorCode::kCorrupt);
  Hostile r;
  r.send({4, 16, 0, 1}, "four");
  EXPECT_EQ(r.received(), ErrorCode::kCorrupt);
}

TEST(WireChannel, a_memfd_that_is_missing_unsealed_or_no_memfd_is_refused) {
  Hostile h;
  h.send({4, 16, kWireInMemfd, 0}, "");
  EXPECT_EQ(h.received(), ErrorCode::kCorrupt);

  Hostile unsealed;
  Fd memfd(::memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  (void)!::write(memfd.get(), "four", 4);
  unsealed.send({4, 16, kWireInMemfd, 0}, "", {memfd.get()});
  EXPECT_EQ(unsealed.received(), ErrorCode::kCorrupt);

  Hostile device;
  auto zero = open_file("/dev/zero", O_RDONLY);
  device.send({4, 16, kWireInMemfd, 0}, "", {zero->get()});
  EXPECT_EQ(device.received(), ErrorCode::kCorrupt);
}

TEST(WireChannel, a_memfd_larger_than_announced_is_refused) {
  Hostile h;
  auto memfd = sealed_memfd("x", as_bytes("more than four"));
  h.send({4, 16, kWireInMemfd, 0}, "", {memfd->get()});
  EXPECT_EQ(h.received(), ErrorCode::kResourceExhausted);
}

TEST(WireChannel, too_many_descriptors_are_refused_and_none_leaks) {
  Hostile h;
  auto null = open_file("/dev/null", O_RDONLY);
  size_t before = open_descriptors();
  h.send({4, 16, 0, 0}, "four", std::vector<int>(40, null->get()));
  EXPECT_EQ(h.received(), ErrorCode::kCorrupt);
  EXPECT_EQ(open_descriptors(), before);
}

ErrorCode greet_with(WireHello hello, std::string& text) {
  Sockets s;
  struct {
    WireHeader header;
    WireHello hello;
  } packet{{sizeof hello, static_cast<uint16_t>(WireType::kHello), 0, 0}, hello};
  EXPECT_EQ(::send(s.b.get(), &packet, sizeof packet, 0), static_cast<ssize_t>(sizeof packet));
  auto channel = WireChannel::greet(std::move(s.a), WireRole::kDaemon, WireRole::kCollector);
  if (channel) return ErrorCode::kInternal;
  text = channel.error().message;
  // The peer is told the same words.
  char told[600] = {};
  ssize_t n = ::recv(s.b.get(), told, sizeof told - 1, 0);  // our HELLO
  n = ::recv(s.b.get(), told, sizeof told - 1, 0);
  EXPECT_GT(n, static_cast<ssize_t>(sizeof(WireHeader)));
  EXPECT_EQ(std::string(told + sizeof(WireHeader), static_cast<size_t>(n) - sizeof(WireHeader)), text);
  return channel.error().code;
}

TEST(WireHello, another_version_is_refused_in_clear_words) {
  std::string text;
  EXPECT_EQ(greet_with({.version = 7, .role = WireRole::kCollector}, text), ErrorCode::kUnsupported);
  EXPECT_NE(text.find("version 7"), std::string::npos) << text;
}

TEST(WireHello, another_role_or_magic_is_refused) {
  std::string text;
  EXPECT_EQ(greet_with({.role = WireRole::kParser}, text), ErrorCode::kUnsupported);
  EXPECT_NE(text.find("watchfire-parse"), std::string::npos) << text;
  EXPECT_EQ(greet_with({.magic = 1, .role = WireRole::kCollector}, text), ErrorCode::kUnsupported);
}

TEST(WireHello, a_silent_peer_is_given_up) {
  Sockets s;
  auto channel = WireChannel::greet(std::move(s.a), WireRole::kDaemon, WireRole::kCollector, 20 * kMillisecond);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, ErrorCode::kCancelled);
}

TEST(WireListener, accepts_replaces_a_stale_socket_and_cleans_up) {
  std::string path = "/tmp/wire_test_" + std::to_string(::getpid());
  for (int round = 0; round < 2; ++round) {
    auto listener = WireListener::listen(path, 0600);
    ASSERT_TRUE(listener) << listener.error().text();
    Result<WireChannel> client = fail(ErrorCode::kInternal, "");
    std::thread thread([&] { client = WireChannel::connect(path, WireRole::kCollector, WireRole::kDaemon); });
    Result<std::optional<WireChannel>> peer;
    while ((peer = listener->accept(WireRole::kDaemon, WireRole::kCollector)) && !*peer) ::usleep(1000);
    thread.join();
    ASSERT_TRUE(peer) << peer.error().text();
    ASSERT_TRUE(client) << client.error().text();
    EXPECT_EQ((*peer)->peer_uid(), ::getuid());
    if (round == 0) listener->forget();  // as after a crash: the path stays
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  auto nobody = WireChannel::connect(path, WireRole::kCollector, WireRole::kDaemon);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
}

TEST(WireListener, another_user_is_refused_and_told_so) {
  if (::getuid() != 0) GTEST_SKIP() << "needs root to connect as another user";
  std::string path = "/tmp/wire_test_uid_" + std::to_string(::getpid());
  auto listener = WireListener::listen(path, 0666, {12345});
  ASSERT_TRUE(listener);
  for (auto [uid, welcome] : {std::pair<uid_t, bool>{54321, false}, {12345, true}}) {
    pid_t child = ::fork();
    if (child == 0) {
      (void)!::setresuid(uid, uid, uid);
      auto channel = WireChannel::connect(path, WireRole::kCollector, WireRole::kDaemon);
      bool told = !channel && channel.error().text().find("may not connect") != std::string::npos;
      ::_exit(channel ? 1 : told ? 2 : 3);
    }
    Result<std::optional<WireChannel>> peer;
    while ((peer = listener->accept(WireRole::kDaemon, WireRole::kCollector)) && !*peer) ::usleep(1000);
    EXPECT_EQ(peer.has_value(), welcome);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), welcome ? 1 : 2);
  }
}

}  // namespace
}  // namespace watchfire
