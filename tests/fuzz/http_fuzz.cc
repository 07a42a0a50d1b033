// Requests to the API over a real store: "METHOD /path?query", header lines, a blank line, the body. A header `uid`
// makes it a request on the Unix socket. Whatever comes, the answer is whole: a status, and JSON where it says so.

#include <unistd.h>

#include "base/fd.h"
#include "base/json_tree.h"
#include "converters/pprof/encode.h"
#include "daemon/api.h"
#include "store/embedded/embedded_store.h"
#include "tests/fuzz/check.h"
#include "tests/support/small_profile.h"
#include "tests/support/temp_dir.h"

using namespace watchfire;
using fuzz::check;

namespace {

constexpr int kMaxWrites = 300;  // each is a transaction on disk

class Service {
 public:
  Service() {
    store::EmbeddedOptions options;
    options.directory = dir_.path() + "/store";
    store_ = *store::EmbeddedStore::open(options);
    daemon::Analysis::Parts parts;
    parts.store = store_.get();
    parts.host = "fuzz";
    parts.journal_path = dir_.path() + "/findings.json";
    parts.ebpf_state = [] { return std::optional<daemon::EbpfIntake::State>(); };
    analysis_ = *daemon::Analysis::create(std::move(parts), {}, {});
    analysis_->start();
    check(write_file_atomically(dir_.path() + "/token", "t0ken\n").has_value());
    access_ = std::make_unique<daemon::Access>(
        daemon::Access::Options{.group = "", .write_token_file = dir_.path() + "/token"});
    daemon::ApiParts api;
    api.store = store_.get();
    api.scraper = &scraper_;
    api.analysis = analysis_.get();
    api.access = access_.get();
    api.host = "fuzz";
    api.version = "0";
    api.started = now_ns();
    api.limits.decompressed_bytes = 1 << 20;
    api.limits.samples = 1000;
    api_ = std::make_unique<daemon::Api>(std::move(api));
    net::HttpRequest push{.method = "POST", .path = "/api/v1/profiles", .query = {{"service_name", "api"}}};
    push.body = converters::encode_pprof(testing::small_profile());
    push.query.emplace("from", "now-2m");
    push.query.emplace("until", "now-1m");
    push.peer = {::geteuid(), 0, 1};
    check(api_->handle(push).status == 200);
  }

  net::HttpResponse handle(const net::HttpRequest& request) {
    if (request.method == "POST" && request.path != "/api/v1/analyze" && ++writes_ > kMaxWrites) return {};
    return api_->handle(request);
  }

 private:
  test::TempDir dir_;
  std::unique_ptr<store::Store> store_;
  collectors::Scraper scraper_{{}, [](auto) { return Status(); }};
  std::unique_ptr<daemon::Analysis> analysis_;
  std::unique_ptr<daemon::Access> access_;
  std::unique_ptr<daemon::Api> api_;
  int writes_ = 0;
};

std::string_view take_until(std::string_view& text, std::string_view end) {
  size_t at = std::min(text.find(end), text.size());
  auto head = text.substr(0, at);
  text.remove_prefix(std::min(at + end.size(), text.size()));
  return head;
}

net::HttpRequest parse_request(std::string_view text) {
  net::HttpRequest r;
  auto line = take_until(text, "\n");
  r.method = take_until(line, " ");
  r.path = net::percent_decode(take_until(line, "?"), false);
  while (!line.empty()) {
    auto pair = take_until(line, "&");
    auto name = take_until(pair, "=");
    r.query.emplace(net::percent_decode(name, true), net::percent_decode(pair, true));
  }
  while (!text.empty() && !text.starts_with('\n')) {
    auto header = take_until(text, "\n");
    auto name = take_until(header, ": ");
    r.headers[std::string(name)] = header;
  }
  take_until(text, "\n");
  r.body = text;
  if (auto uid = r.header("uid"); !uid.empty()) r.peer = {uid == "me" ? ::geteuid() : 65'533, 65'533, 1};
  return r;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Service service;
  auto request = parse_request({reinterpret_cast<const char*>(data), size});
  for (const auto& [name, value] : request.query) check(net::percent_decode(net::percent_encode(value), true) == value);
  auto response = service.handle(request);
  check(response.status >= 200 && response.status <= 599);
  while (response.next_chunk)
    if (!response.next_chunk()) break;
  if (response.content_type == "application/json" && !response.body.empty())
    check(parse_json(response.body).has_value());
  return 0;
}
