#include "daemon/api.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "base/config_tree.h"
#include "base/fd.h"
#include "base/json_tree.h"
#include "converters/pprof/encode.h"
#include "store/embedded/embedded_store.h"
#include "tests/support/temp_dir.h"

namespace watchfire::daemon {
namespace {

// The API over a real store, with a scraper and an analysis that have nothing to do.
class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store::EmbeddedOptions options;
    options.directory = dir_.path() + "/store";
    store_ = *store::EmbeddedStore::open(options);
    scraper_ = std::make_unique<collectors::Scraper>(collectors::Scraper::Options{}, [](auto) { return Status(); });
    Analysis::Parts parts;
    parts.store = store_.get();
    parts.host = "test";
    parts.journal_path = dir_.path() + "/findings.json";
    parts.ebpf_state = [] { return std::optional<EbpfIntake::State>(); };
    analysis_ = *Analysis::create(std::move(parts), {}, {});
    ASSERT_TRUE(write_file_atomically(dir_.path() + "/token", "t0ken\n"));
    access_ = std::make_unique<Access>(Access::Options{.group = "", .write_token_file = dir_.path() + "/token"});
    ApiParts api;
    api.store = store_.get();
    api.scraper = scraper_.get();
    api.analysis = analysis_.get();
    api.access = access_.get();
    api.host = "test";
    api.version = "0";
    api.started = now_ns();
    api_ = std::make_unique<Api>(std::move(api));
  }

  // As root's or our own connection to the Unix socket.
  net::HttpResponse call(const std::string& method, const std::string& path,
                         std::multimap<std::string, std::string, std::less<>> query = {}, std::string body = {}) {
    net::HttpRequest r{method, path, std::move(query), {}, std::move(body), net::PeerCredentials{::geteuid(), 0, 1}};
    return api_->handle(r);
  }

  static std::string profile(int64_t value) {
    profile::Profile p;
    p.sample_types = {{p.strings.intern("cpu"), p.strings.intern("nanoseconds")}};
    p.values.resize(1);
    p.functions.push_back({1, p.strings.intern("main.work"), p.strings.intern("main.work"), 0, 0});
    p.lines.push_back({0, 1, 0});
    p.locations.push_back({1, 0x1000, profile::kNone, 0, 1, false});
    uint32_t stack[] = {0};
    p.add_sample(stack, {}, std::vector<int64_t>{value});
    return converters::encode_pprof_gz(p);
  }

  test::TempDir dir_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<collectors::Scraper> scraper_;
  std::unique_ptr<Analysis> analysis_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Api> api_;
};

TEST_F(ApiTest, serves_what_its_description_says_and_nothing_else) {
  auto text = read_file(std::string(WATCHFIRE_SOURCE_DIR) + "/docs/openapi.yaml", 1 << 20);
  ASSERT_TRUE(text);
  auto root = parse_config(*text);
  ASSERT_TRUE(root) << root.error().text();
  std::set<std::string> described;
  for (const auto& [path, operations] : root->find("paths")->entries)
    for (const auto& [method, operation] : operations.entries) {
      described.insert((method == "get" ? "GET " : "POST ") + path);
      EXPECT_NE(operation.find("summary"), nullptr) << path;
      EXPECT_NE(operation.find("responses"), nullptr) << path;
    }
  auto routes = api_->routes();
  EXPECT_EQ(std::set<std::string>(routes.begin(), routes.end()), described);
}

TEST_F(ApiTest, what_is_pushed_can_be_asked_for_in_every_form) {
  auto pushed = call("POST", "/api/v1/profiles", {{"service_name", "api"}, {"version", "1"}}, profile(42));
  ASSERT_EQ(pushed.status, 200) << pushed.body;
  std::multimap<std::string, std::string, std::less<>> query = {{"selector", "process_cpu:cpu{service_name=\"api\"}"}};
  auto json = query;
  json.emplace("format", "json");
  auto report = call("GET", "/api/v1/report", json);
  ASSERT_EQ(report.status, 200) << report.body;
  auto root = parse_json(report.body);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("status")->find("total")->scalar, "42");
  EXPECT_EQ(root->find("report")->find("rows")->items.at(0).find("function")->scalar, "main.work");
  EXPECT_NE(call("GET", "/api/v1/report", query).body.find("main.work"), std::string::npos);
  EXPECT_EQ(call("GET", "/api/v1/profile", query).body.substr(0, 2), "\x1f\x8b");
  EXPECT_NE(call("GET", "/api/v1/flamegraph", query).body.find("main.work"), std::string::npos);
  auto page = query;
  page.emplace("format", "html");
  page.emplace("inverted", "1");
  auto html = call("GET", "/api/v1/flamegraph", page);
  EXPECT_EQ(html.content_type, "text/html; charset=utf-8");
  EXPECT_NE(html.body.find("main.work"), std::string::npos);
  EXPECT_NE(html.body.find("\"inverted\":true"), std::string::npos);
  EXPECT_NE(html.headers["Content-Security-Policy"].find("default-src 'none'; script-src 'sha256-"), std::string::npos);
  EXPECT_NE(html.headers["Content-Security-Policy"].find("sandbox"), std::string::npos);
  auto wrong = query;
  wrong.emplace("inverted", "maybe");
  EXPECT_EQ(call("GET", "/api/v1/flamegraph", wrong).status, 400);
  EXPECT_NE(call("GET", "/api/v1/series").body.find("\"version\":\"1\""), std::string::npos);
  EXPECT_NE(call("GET", "/api/v1/timeline", query).body.find("\"value\":42"), std::string::npos);
}

TEST_F(ApiTest, errors_have_code_message_hint_and_position) {
  auto bad = call("GET", "/api/v1/report", {{"selector", "cpu{a=1}"}});
  EXPECT_EQ(bad.status, 400);
  auto root = parse_json(bad.body);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("code")->scalar, "invalid_argument");
  EXPECT_EQ(root->find("position")->find("column")->scalar, "7");
  EXPECT_FALSE(root->find("hint")->scalar.empty());
  EXPECT_EQ(call("GET", "/api/v1/report", {{"selector", "x"}}).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(call("POST", "/api/v1/profiles", {{"service_name", "x"}}, "<html>").status, 422);
  EXPECT_EQ(call("POST", "/api/v1/profiles", {}, profile(1)).status, 400);
  EXPECT_EQ(call("GET", "/api/v1/series", {{"since", "soon"}}).status, 400);
}

TEST_F(ApiTest, symbols_supplied_later_are_taken) {
  auto good = call("POST", "/api/v1/symbols", {},
                   R"({"file_id":"ab","symbols":[{"start":"0x10","end":"0x20","name":"f","file":"f.c","line":3}]})");
  EXPECT_EQ(good.status, 200) << good.body;
  EXPECT_TRUE(store_->unknown_addresses("ab", {0x18})->empty());
  EXPECT_EQ(call("POST", "/api/v1/symbols", {}, R"({"symbols":[]})").status, 400);
  EXPECT_EQ(
      call("POST", "/api/v1/symbols", {}, R"({"file_id":"ab","symbols":[{"start":"zz","end":"1","name":"f"}]})").status,
      400);
}

TEST_F(ApiTest, tcp_reads_with_a_loopback_host_and_writes_with_the_token) {
  net::HttpRequest r{"GET", "/api/v1/status", {}, {{"host", "127.0.0.1:4046"}}, {}, {}};
  EXPECT_EQ(api_->handle(r).status, 200);
  r.headers["host"] = "evil.example:4046";
  EXPECT_EQ(api_->handle(r).status, 403);
  r.headers["host"] = "localhost";
  r.headers["sec-fetch-site"] = "cross-site";
  EXPECT_EQ(api_->handle(r).status, 403);
  net::HttpRequest w{"POST", "/api/v1/profiles", {{"service_name", "x"}}, {{"host", "localhost"}}, profile(1), {}};
  EXPECT_EQ(api_->handle(w).status, 403);
  w.headers["authorization"] = "Bearer wrong";
  EXPECT_EQ(api_->handle(w).status, 403);
  w.headers["authorization"] = "Bearer t0ken";
  EXPECT_EQ(api_->handle(w).status, 200);
}

TEST_F(ApiTest, strangers_on_the_socket_are_refused) {
  net::HttpRequest r{"GET", "/api/v1/status", {}, {}, {}, net::PeerCredentials{65'533, 65'533, 1}};
  auto refused = api_->handle(r);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("may not use Watchfire"), std::string::npos);
}

}  // namespace
}  // namespace watchfire::daemon
