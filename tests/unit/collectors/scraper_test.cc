#include "collectors/scrape/scraper.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "base/fd.h"
#include "converters/pprof/encode.h"
#include "tests/support/raw_server.h"
#include "tests/support/temp_dir.h"

namespace watchfire::collectors {
namespace {

using test::RawServer;

std::string goroutine_profile() {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("goroutine"), p.strings.intern("count")}};
  p.values.resize(1);
  p.functions.push_back({1, p.strings.intern("main.main"), p.strings.intern("main.main"), 0, 0});
  p.lines.push_back({0, 1, 0});
  p.locations.push_back({1, 0x1000, profile::kNone, 0, 1, false});
  uint32_t stack[] = {0};
  p.add_sample(stack, {}, std::vector<int64_t>{3});
  return converters::encode_pprof_gz(p);
}

// A job with one endpoint, scraped every `interval`.
ScrapeJob one_endpoint_job(const std::string& name, std::vector<std::string> targets, DurationNs interval = kSecond) {
  ScrapeJob job;
  job.name = name;
  job.interval = interval;
  job.timeout = kSecond;
  job.body_limit = 1 << 20;
  job.target_limit = 1000;
  job.endpoints = {{"goroutine", {"/debug/pprof/goroutine", true, 0, "goroutine"}}};
  job.static_configs = {{std::move(targets), {}}};
  return job;
}

// Counts profiles by instance.
class Sink {
 public:
  Scraper::Sink function() {
    return [this](std::vector<profile::LabelledProfile> profiles) -> Status {
      std::lock_guard lock(mutex_);
      for (auto& p : profiles) {
        ++counts_[p.labels["instance"]];
        last_ = p;
      }
      return {};
    };
  }
  std::map<std::string, int> counts() {
    std::lock_guard lock(mutex_);
    return counts_;
  }
  profile::LabelledProfile last() {
    std::lock_guard lock(mutex_);
    return last_;
  }
  void wait_for(int n) {
    for (int i = 0; i < 200; ++i) {
      int all = 0;
      for (auto& [k, v] : counts()) all += v;
      if (all >= n) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> counts_;
  profile::LabelledProfile last_;
};

void wait_until_scraped(const Scraper& scraper) {
  for (int i = 0; i < 200; ++i) {
    bool all = true;
    for (const auto& s : scraper.states()) all = all && s.scrapes > 0;
    if (all) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

TEST(Scraper, scrapes_a_target_and_labels_what_it_gets) {
  RawServer server(
      [](int fd, const std::string&, const auto&) { RawServer::answer(fd, 200, "", goroutine_profile()); });
  Sink sink;
  Scraper scraper({}, sink.function());
  ScrapeJob job = one_endpoint_job("web", {server.address()});
  job.static_configs[0].labels = {{"zone", "x"}};
  scraper.set_jobs({job});
  sink.wait_for(1);
  auto got = sink.last();
  ASSERT_TRUE(got.profile);
  EXPECT_EQ(got.profile_name, "goroutine");
  EXPECT_EQ(got.labels.at("job"), "web");
  EXPECT_EQ(got.labels.at("service_name"), "web");
  EXPECT_EQ(got.labels.at("zone"), "x");
  EXPECT_EQ(got.labels.at("source"), "pprof");
  auto states = scraper.states();
  ASSERT_EQ(states.size(), 1u);
  EXPECT_TRUE(states[0].up) << states[0].error;
  EXPECT_GT(states[0].last_bytes, 0u);
}

TEST(Scraper, a_targets_state_says_why_it_is_down) {
  struct Behaviour {
    const char* name;
    RawServer::Behaviour behave;
    const char* says;
  };
  const Behaviour all[] = {
      {"html", [](int fd, auto&, auto&) { RawServer::answer(fd, 200, "", "<html><body>Login</body></html>"); }, "HTML"},
      {"empty", [](int fd, auto&, auto&) { RawServer::answer(fd, 200, "", ""); }, "empty"},
      {"404", [](int fd, auto&, auto&) { RawServer::answer(fd, 404, "", "no"); }, "answered 404"},
      {"redirect loop", [](int fd, auto&, auto&) { RawServer::answer(fd, 302, "Location: /again\r\n", ""); },
       "redirects are not followed"},
      {"truncated gzip",
       [](int fd, auto&, auto&) {
         std::string whole = goroutine_profile();
         RawServer::answer(fd, 200, "", whole.substr(0, whole.size() / 2));
       },
       "gzip"},
      {"reset", [](int, auto&, auto&) {}, ""},
      {"one byte a second",
       [](int fd, auto&, const std::atomic<bool>& stopping) {
         RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
         while (!stopping && RawServer::send_all(fd, "x")) std::this_thread::sleep_for(std::chrono::milliseconds(500));
       },
       "no complete answer"},
      {"10 GB body",
       [](int fd, auto&, const std::atomic<bool>& stopping) {
         RawServer::send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n");
         std::string block(64 << 10, 'x');
         while (!stopping && RawServer::send_all(fd, block)) {
         }
       },
       "longer than the limit"},
      {"endless body",
       [](int fd, auto&, const std::atomic<bool>& stopping) {
         RawServer::send_all(fd, "HTTP/1.1 200 OK\r\n\r\n");
         std::string block(64 << 10, 'x');
         while (!stopping && RawServer::send_all(fd, block)) {
         }
       },
       "longer than the limit"},
  };
  for (const Behaviour& b : all) {
    RawServer server(b.behave);
    Sink sink;
    Scraper scraper({}, sink.function());
    scraper.set_jobs({one_endpoint_job("bad", {server.address()})});
    wait_until_scraped(scraper);
    auto states = scraper.states();
    ASSERT_EQ(states.size(), 1u) << b.name;
    EXPECT_FALSE(states[0].up) << b.name;
    EXPECT_NE(states[0].error.find(b.says), std::string::npos) << b.name << ": " << states[0].error;
    EXPECT_TRUE(sink.counts().empty()) << b.name;
  }
}

TEST(Scraper, hostile_targets_do_not_hold_up_good_ones) {
  RawServer good([](int fd, auto&, auto&) { RawServer::answer(fd, 200, "", goroutine_profile()); });
  RawServer drip([](int fd, auto&, const std::atomic<bool>& stopping) {
    while (!stopping && RawServer::send_all(fd, "H")) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  });
  RawServer endless([](int fd, auto&, const std::atomic<bool>& stopping) {
    RawServer::send_all(fd, "HTTP/1.1 200 OK\r\n\r\n");
    std::string block(64 << 10, 'x');
    while (!stopping && RawServer::send_all(fd, block)) {
    }
  });
  Sink sink;
  Scraper scraper({}, sink.function());
  // Fifty targets by fifty names of one server: distinct params make distinct targets.
  std::vector<ScrapeJob> jobs;
  for (int i = 0; i < 50; ++i) {
    jobs.push_back(one_endpoint_job("good" + std::to_string(i), {good.address()}));
    jobs.back().static_configs[0].labels = {{"instance", "good" + std::to_string(i)}};
  }
  jobs.push_back(one_endpoint_job("drip", {drip.address()}));
  jobs.push_back(one_endpoint_job("endless", {endless.address()}));
  scraper.set_jobs(jobs);
  std::this_thread::sleep_for(std::chrono::seconds(5));
  auto counts = sink.counts();
  EXPECT_EQ(counts.size(), 50u);
  for (auto& [name, n] : counts) EXPECT_GE(n, 3) << name;
}

TEST(Scraper, sends_tokens_from_files_and_follows_changes_of_sd_files) {
  std::mutex mutex;
  std::string seen;
  RawServer server([&](int fd, const std::string& request, const auto&) {
    {
      std::lock_guard lock(mutex);
      seen = request;
    }
    RawServer::answer(fd, 200, "", goroutine_profile());
  });
  test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir.path() + "/token", "s3cret\n"));
  std::string targets = dir.path() + "/targets.json";
  ASSERT_TRUE(write_file_atomically(targets, "[]"));
  ScrapeJob job = one_endpoint_job("sd", {});
  job.static_configs.clear();
  job.bearer_token_file = dir.path() + "/token";
  job.file_sd_files = {dir.path() + "/*.json"};
  job.file_sd_refresh = kSecond;
  Sink sink;
  Scraper scraper({}, sink.function());
  scraper.set_jobs({job});
  EXPECT_TRUE(scraper.states().empty());
  ASSERT_TRUE(write_file_atomically(targets, R"([{"targets":[")" + server.address() + R"("],"labels":{"zone":"z"}}])"));
  sink.wait_for(1);
  EXPECT_EQ(sink.last().labels["zone"], "z");
  EXPECT_FALSE(sink.last().labels.contains("__meta_filepath"));
  {
    std::lock_guard lock(mutex);
    EXPECT_NE(seen.find("Authorization: Bearer s3cret\r\n"), std::string::npos);
  }
  // A broken file keeps the targets it had.
  ASSERT_TRUE(write_file_atomically(targets, "[{"));
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_EQ(scraper.states().size(), 1u);
}

TEST(Scraper, a_reload_keeps_the_state_of_unchanged_targets) {
  RawServer server([](int fd, auto&, auto&) { RawServer::answer(fd, 200, "", goroutine_profile()); });
  Sink sink;
  Scraper scraper({}, sink.function());
  ScrapeJob job = one_endpoint_job("a", {server.address()});
  scraper.set_jobs({job});
  sink.wait_for(1);
  ScrapeJob other = one_endpoint_job("b", {server.address()});
  scraper.set_jobs({job, other});
  auto states = scraper.states();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_GT(states[0].scrapes, 0u);
  EXPECT_EQ(states[1].scrapes, 0u);
}

}  // namespace
}  // namespace watchfire::collectors
