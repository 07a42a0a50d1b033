#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/fd.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/support/raw_server.h"
#include "tests/support/temp_dir.h"

namespace watchfire::net {
namespace {

using test::RawServer;

class HttpTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpServer> serve(HttpServer::Handler handler, HttpServerOptions options = {}) {
    options.unix_path = socket_;
    auto server = HttpServer::start(options, std::move(handler));
    EXPECT_TRUE(server) << server.error().text();
    return std::move(*server);
  }
  Result<FetchResponse> ask(const std::string& path, std::string body = {}) {
    FetchRequest r;
    r.unix_socket = socket_;
    r.url = "http://localhost" + path;
    r.method = body.empty() ? "GET" : "POST";
    r.body = std::move(body);
    return fetch(r);
  }
  test::TempDir dir_;
  const std::string socket_ = dir_.path() + "/http.sock";
};

HttpResponse text(std::string body) {
  return {200, "text/plain", std::move(body), {}, {}};
}

TEST_F(HttpTest, a_request_arrives_decoded_with_its_peer) {
  HttpRequest seen;
  auto server = serve([&](const HttpRequest& r) {
    seen = r;
    return text("hello");
  });
  auto response = ask("/a%20b?x=1%2B2&y=", "payload");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_EQ(response->headers["x-content-type-options"], "nosniff");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a b");
  EXPECT_EQ(seen.param("x"), "1+2");
  EXPECT_EQ(seen.body, "payload");
  ASSERT_TRUE(seen.peer);
  EXPECT_EQ(seen.peer->uid, ::geteuid());
}

TEST_F(HttpTest, a_handler_may_think_longer_than_a_connection_may_idle) {
  HttpServerOptions options;
  options.idle_timeout_seconds = 1;
  auto server = serve(
      [](const HttpRequest&) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2500));
        return text("at last");
      },
      options);
  auto response = ask("/");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "at last");
}

TEST_F(HttpTest, a_stream_may_pause_longer_than_a_connection_may_idle) {
  HttpServerOptions options;
  options.idle_timeout_seconds = 1;
  auto server = serve(
      [](const HttpRequest&) {
        HttpResponse r{200, "application/x-ndjson", "", {}, {}};
        auto n = std::make_shared<int>(0);
        r.next_chunk = [n]() -> std::optional<std::string> {
          if (++*n > 2) return std::nullopt;
          std::this_thread::sleep_for(std::chrono::milliseconds(1600));
          return "line\n";
        };
        return r;
      },
      options);
  auto response = ask("/");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "line\nline\n");
}

TEST_F(HttpTest, a_body_over_the_limit_is_413_and_never_reaches_the_handler) {
  std::atomic<int> calls = 0;
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  auto server = serve(
      [&](const HttpRequest&) {
        ++calls;
        return text("");
      },
      options);
  auto response = ask("/", std::string(5000, 'x'));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(calls, 0);
}

TEST_F(HttpTest, the_socket_has_its_mode_and_goes_away) {
  {
    auto server = serve([](const HttpRequest&) { return text(""); });
    struct stat st{};
    ASSERT_EQ(::stat(socket_.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0660u);
  }
  EXPECT_NE(::access(socket_.c_str(), F_OK), 0);
}

TEST(HttpClient, metadata_and_link_local_addresses_are_refused_however_they_are_written) {
  for (const char* host : {"169.254.169.254", "0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]", "[fe80::1]",
                           "100.100.100.200", "[fd00:ec2::254]"}) {
    FetchRequest r;
    r.url = std::string("http://") + host + "/latest/meta-data";
    r.timeout = 2 * kSecond;
    auto response = fetch(r);
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code, ErrorCode::kPermissionDenied) << host << ": " << response.error().text();
  }
}

TEST(HttpClient, other_schemes_and_redirects_are_not_followed) {
  FetchRequest file;
  file.url = "file:///etc/passwd";
  EXPECT_FALSE(fetch(file));
  RawServer server(
      [](int fd, auto&, auto&) { RawServer::answer(fd, 302, "Location: file:///etc/passwd\r\n", "moved"); });
  FetchRequest r;
  r.url = "http://" + server.address() + "/";
  auto response = fetch(r);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpClient, endless_headers_end_at_a_limit) {
  RawServer server([](int fd, auto&, const std::atomic<bool>& stopping) {
    RawServer::send_all(fd, "HTTP/1.1 200 OK\r\n");
    while (!stopping && RawServer::send_all(fd, "X-Filler: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  FetchRequest r;
  r.url = "http://" + server.address() + "/";
  EXPECT_FALSE(fetch(r));
}

TEST(FetchLoop, destroying_it_answers_what_is_open) {
  RawServer server([](int, auto&, const std::atomic<bool>& stopping) {
    while (!stopping) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  std::atomic<int> cancelled = 0;
  {
    FetchLoop loop;
    for (int i = 0; i < 5; ++i) {
      FetchRequest r;
      r.url = "http://" + server.address() + "/";
      loop.start(r, [&](Result<FetchResponse> x) { cancelled += !x && x.error().code == ErrorCode::kCancelled; });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  EXPECT_EQ(cancelled, 5);
}

TEST(FetchLoop, the_longest_answer_gives_way_when_all_together_are_too_long) {
  RawServer server([](int fd, const std::string& request, const std::atomic<bool>& stopping) {
    RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    bool endless = request.find("endless") != std::string::npos;
    for (int i = 0; !stopping && (endless || i < 20); ++i) {
      if (!RawServer::send_all(fd, std::string(endless ? 100'000 : 1000, 'x'))) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  std::atomic<int> good = 0, gave_way = 0;
  {
    FetchLoop loop(1u << 20);
    for (const char* path : {"/short", "/endless", "/short", "/endless", "/short"}) {
      FetchRequest r;
      r.url = "http://" + server.address() + path;
      r.max_body_bytes = 64u << 20;
      loop.start(r, [&](Result<FetchResponse> x) {
        good += x && x->body.size() == 20'000;
        gave_way += !x && x.error().code == ErrorCode::kResourceExhausted;
      });
    }
    for (int i = 0; i < 100 && good + gave_way < 5; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(good, 3);
  EXPECT_EQ(gave_way, 2);
}

}  // namespace
}  // namespace watchfire::net
