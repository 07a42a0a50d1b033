// The API's client answers as the store behind the API does.
#include "agent/api_query.h"

#include <gtest/gtest.h>

#include "daemon/api.h"
#include "net/http_server.h"
#include "profile/function_totals.h"
#include "store/embedded/embedded_store.h"
#include "tests/support/cpu_profile.h"
#include "tests/support/temp_dir.h"

namespace watchfire::daemon {
namespace {

using profile::Selector;

// Not on whole seconds: ranges must cross the API exactly.
constexpr UnixNs kEnd = 1'800'000'000'123'456'789;

class ApiQuery : public ::testing::Test {
 protected:
  ApiQuery() {
    store::EmbeddedOptions o;
    o.directory = dir_.path() + "/store";
    store_ = *store::EmbeddedStore::open(o);
    add({{{"main.leaf", "main.main"}, 30}, {{"main.main"}, 5}}, "api", "ebpf", kEnd - 10 * kSecond);
    add({{{"main.leaf", "main.main"}, 12}, {{"std::f<a, \"b\">", "main.main"}, 7}}, "api", "ebpf", kEnd);
    add({{{"main.leaf"}, 99}}, "api", "pprof", kEnd);
    add({{{"x"}, 1}}, "quoted \"\\\n\xc3\xa9", "ebpf", kEnd);
    ApiParts parts;
    parts.store = store_.get();
    parts.access = &access_;
    api_ = std::make_unique<Api>(parts);
    net::HttpServerOptions server;
    server.unix_path = dir_.path() + "/control.sock";
    server_ = *net::HttpServer::start(server, [this](const net::HttpRequest& r) { return api_->handle(r); });
  }
  ~ApiQuery() override { server_.reset(); }

  void add(const std::map<std::vector<std::string>, int64_t>& stacks, const std::string& service,
           const std::string& source, UnixNs end) {
    auto p = test::cpu_profile(stacks, service);
    p.labels["source"] = source;
    p.range = {end - 10 * kSecond, end};
    std::vector<store::Entry> entries;
    entries.push_back(std::move(p));
    ASSERT_TRUE(store_->append(std::move(entries)));
  }
  static std::map<std::string, int64_t> flats(const profile::Profile& p) {
    std::map<std::string, int64_t> out;
    for (const auto& f : profile::function_totals(p, 0).functions) out[std::string(p.text(f.name))] += f.flat;
    return out;
  }

  test::TempDir dir_;
  std::unique_ptr<store::Store> store_;
  Access access_{{}};
  std::unique_ptr<Api> api_;
  std::unique_ptr<net::HttpServer> server_;
  agent::ApiClient client_{dir_.path() + "/control.sock"};
  agent::ApiQuery query_{client_};
};

TEST_F(ApiQuery, lists_the_same_series) {
  for (const char* text : {"", "process_cpu:cpu", "{source=\"pprof\"}", "nothing"}) {
    Selector s = *Selector::parse(text);
    for (TimeRange range : {TimeRange{0, kEnd}, TimeRange{0, kEnd - 1}, TimeRange{kEnd, kEnd + kSecond}}) {
      auto direct = store_->series(s, range), through = query_.series(s, range);
      ASSERT_TRUE(direct && through) << through.error().text();
      ASSERT_EQ(through->size(), direct->size()) << text << range.end;
      for (size_t i = 0; i < direct->size(); ++i) {
        EXPECT_EQ((*through)[i].labels, (*direct)[i].labels);
        EXPECT_EQ((*through)[i].type, (*direct)[i].type);
        EXPECT_EQ((*through)[i].range, (*direct)[i].range);
        EXPECT_EQ((*through)[i].profiles, (*direct)[i].profiles);
      }
    }
  }
}

TEST_F(ApiQuery, merges_to_the_same_profile_with_the_same_status) {
  for (const Selector& s :
       {Selector::of_service("process_cpu:cpu", "api"), Selector::of_service("process_cpu:samples", "api"),
        Selector::of_service("process_cpu:cpu", "quoted \"\\\n\xc3\xa9"),
        *Selector::parse("process_cpu:cpu{source=\"pprof\"}")})
    for (TimeRange range : {TimeRange{0, kEnd}, TimeRange{0, kEnd - 1}, TimeRange{kEnd - kSecond, kEnd + kSecond}}) {
      auto direct = store_->merge(s, range, {}), through = query_.merge(s, range, {});
      ASSERT_EQ(through.has_value(), direct.has_value()) << s.text();
      if (!direct) {
        EXPECT_EQ(through.error().code, direct.error().code);
        EXPECT_EQ(through.error().text(), direct.error().text());
        continue;
      }
      EXPECT_EQ(flats(*through->profile), flats(*direct->profile));
      EXPECT_EQ(through->profile->period, direct->profile->period);
      EXPECT_EQ(through->type, direct->type);
      EXPECT_EQ(through->range, direct->range);
      EXPECT_EQ(through->covered, direct->covered);
      EXPECT_EQ(through->profile_count, direct->profile_count);
      EXPECT_EQ(through->stats.samples, direct->stats.samples);
      EXPECT_EQ(through->stats.stacks, direct->stats.stacks);
      EXPECT_EQ(through->stats.blocks, direct->stats.blocks);
      EXPECT_EQ(through->stats.profiles, direct->stats.profiles);
      EXPECT_EQ(through->stats.partial, direct->stats.partial);
      EXPECT_EQ(through->stats.notes, direct->stats.notes);
    }
  auto both = query_.merge(Selector::of_service("process_cpu:cpu", "api"), {0, kEnd}, {});
  EXPECT_EQ(both->stats.notes.size(), 1u);  // that pprof saw the CPU too
}

TEST_F(ApiQuery, labels_of_samples_are_kept_when_asked_for) {
  auto p = test::cpu_profile({{{"f"}, 1}}, "labelled");
  profile::Profile labelled = *p.profile;
  profile::Label thread{.key = labelled.strings.intern("thread"), .str = labelled.strings.intern("io")};
  labelled.add_sample(labelled.stacks[1], std::span(&thread, 1), std::vector<int64_t>{2, 20'000'000});
  p.profile = std::make_shared<const profile::Profile>(std::move(labelled));
  p.range = {kEnd - 10 * kSecond, kEnd};
  std::vector<store::Entry> entries;
  entries.push_back(std::move(p));
  ASSERT_TRUE(store_->append(std::move(entries)));
  Selector s = Selector::of_service("process_cpu:cpu", "labelled");
  auto kept = query_.merge(s, {0, kEnd}, {.keep_labels = true}), dropped = query_.merge(s, {0, kEnd}, {});
  ASSERT_TRUE(kept && dropped);
  EXPECT_EQ(kept->profile->sample_count(), 2u);
  EXPECT_EQ(dropped->profile->sample_count(), 1u);
  EXPECT_EQ(dropped->profile->values[0][0], 30'000'000);
}

TEST_F(ApiQuery, a_limit_of_bytes_makes_the_answer_partial) {
  auto merged = query_.merge(Selector::of_service("process_cpu:cpu", "api"), {0, kEnd}, {.max_bytes = 1});
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_TRUE(merged->stats.partial);
}

TEST_F(ApiQuery, timelines_are_the_same) {
  Selector s = Selector::of_service("process_cpu:cpu", "api");
  auto direct = store_->timeline(s, {kEnd - kMinute, kEnd}, 10 * kSecond);
  auto through = query_.timeline(s, {kEnd - kMinute, kEnd}, 10 * kSecond);
  ASSERT_TRUE(direct && through) << through.error().text();
  ASSERT_EQ(through->size(), direct->size());
  for (size_t i = 0; i < direct->size(); ++i) {
    EXPECT_EQ((*through)[i].time, (*direct)[i].time);
    EXPECT_EQ((*through)[i].value, (*direct)[i].value);
    EXPECT_EQ((*through)[i].covered, (*direct)[i].covered);
  }
}

TEST_F(ApiQuery, errors_keep_code_and_hint) {
  auto two_types = query_.merge(*Selector::parse("{service_name=\"api\"}"), {0, kEnd}, {});
  ASSERT_FALSE(two_types);
  EXPECT_EQ(two_types.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(two_types.error().hint.empty());
  agent::ApiClient nobody(dir_.path() + "/nothing.sock");
  EXPECT_EQ(agent::ApiQuery(nobody).series({}, {0, kEnd}).error().code, ErrorCode::kUnavailable);
}

TEST_F(ApiQuery, nothing_is_asked_after_the_deadline) {
  client_.set_deadline(boot_ns() - 1);
  EXPECT_EQ(query_.series({}, {0, kEnd}).error().code, ErrorCode::kCancelled);
  client_.set_deadline(boot_ns() + kMinute);
  EXPECT_TRUE(query_.series({}, {0, kEnd}));
}

}  // namespace
}  // namespace watchfire::daemon
