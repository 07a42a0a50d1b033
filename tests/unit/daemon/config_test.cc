#include "daemon/config.h"

#include <gtest/gtest.h>

namespace watchfire::daemon {
namespace {

struct Bad {
  const char* yaml;
  int line;
  int column;
  const char* says;
  const char* hint;
};

TEST(Config, every_mistake_is_told_with_line_column_and_what_was_expected) {
  const Bad bad[] = {
      {"log_level: loud\n", 1, 12, "expected debug, info, warn or error", ""},
      {"store:\n  max_siez: 1GB\n", 2, 13, "unknown key 'max_siez'", "did you mean 'max_size'?"},
      {"store:\n  max_size: big\n", 2, 13, "expected a size", "64MB or 2GB"},
      {"store: [1]\n", 1, 8, "expected a map, found a list", ""},
      {"store: {max_age: 30}\n", 1, 18, "expected a duration", "10s or 1m30s"},
      {"discovery:\n  enabled: yes please\n", 2, 12, "expected true or false", ""},
      {"host: a\nhost: b\n", 2, 1, "is there twice", ""},
      {"host: [\n", 2, 1, "not valid YAML", ""},
      {"host: &x a\nlog_level: *x\n", 2, 12, "aliases are not supported", ""},
      {"scrape_configs:\n  - job_name: a\n  - job_name: a\n", 3, 5, "the job 'a' is there twice", ""},
      {"scrape_configs:\n  - scrape_interval: 5s\n", 2, 5, "'job_name' is required", ""},
      {"scrape_configs:\n  - job_name: a\n    static_configs:\n      - targets: ['http://x/']\n", 4, 9, "is no target",
       "host:port"},
      {"scrape_configs:\n  - job_name: a\n    scheme: ftp\n", 2, 5, "expected http or https", ""},
      {"analysis: {every: 5m, daily_at: ['09:00']}\n", 1, 11, "either every or daily_at", ""},
      {"analysis: {daily_at: ['9 pm']}\n", 1, 11, "no time of day", "\"09:30\""},
      {"publishers:\n  - directory: /tmp\n", 2, 5, "'type' is required", "type: slack"},
      {"model: {endpoint: 'https://x'}\n", 1, 8, "'key_file' is required", ""},
      {"collector_hz: 19\n", 1, 15, "unknown key", "known keys"},
  };
  for (const Bad& b : bad) {
    auto config = read_config(b.yaml);
    ASSERT_FALSE(config) << b.yaml;
    const Error& e = config.error();
    EXPECT_EQ(e.position.line, b.line) << b.yaml << e.text();
    EXPECT_EQ(e.position.column, b.column) << b.yaml << e.text();
    EXPECT_NE(e.message.find(b.says), std::string::npos) << b.yaml << e.text();
    EXPECT_NE(e.text().find(b.hint), std::string::npos) << b.yaml << e.text();
    EXPECT_NE(e.message.find("line " + std::to_string(b.line)), std::string::npos) << e.text();
  }
}

TEST(Config, an_empty_one_has_the_defaults) {
  auto config = read_config("");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->store.max_bytes, 2ull << 30);
  EXPECT_TRUE(config->discovery.enabled);
  EXPECT_EQ(config->limits.samples, 100'000u);
}

TEST(Config, reads_a_whole_job) {
  auto config = read_config(R"(
scrape_configs:
  - job_name: api
    scrape_interval: 30s
    scheme: https
    bearer_token_file: /etc/token
    tls_config: {ca_file: /etc/ca.pem}
    params: {tenant: [a]}
    static_configs:
      - targets: ['10.0.0.1:6060', 'b:6060']
        labels: {zone: x}
    relabel_configs:
      - {source_labels: [zone], target_label: area}
    profiling_config:
      path_prefix: /internal
      pprof_config:
        block: {enabled: false}
        fgprof: {path: /debug/fgprof, seconds: 5s}
)");
  ASSERT_TRUE(config) << config.error().text();
  const auto& job = config->scrape_jobs.at(0);
  EXPECT_EQ(job.interval, 30 * kSecond);
  EXPECT_FALSE(job.endpoints.at("block").enabled);
  EXPECT_EQ(job.endpoints.at("fgprof").seconds, 5 * kSecond);
  EXPECT_EQ(job.static_configs.at(0).targets.size(), 2u);
  EXPECT_EQ(job.relabel_rules.size(), 1u);
}

TEST(Schedule, every_gives_multiples_and_daily_gives_the_local_time) {
  Schedule every{.every = 15 * kMinute, .daily_at = {}};
  UnixNs t = 1'800'000'000 * kSecond + 5;
  EXPECT_GT(every.next_after(t), t);
  EXPECT_EQ(every.next_after(t) % (15 * kMinute), 0);
  EXPECT_LE(every.next_after(t) - t, 15 * kMinute);

  Schedule daily{.every = 0, .daily_at = {9 * 60 + 30, 18 * 60}};
  UnixNs first = daily.next_after(t), second = daily.next_after(first), third = daily.next_after(second);
  EXPECT_EQ(third - first, 24 * kHour);
  EXPECT_LT(second, third);
}

}  // namespace
}  // namespace watchfire::daemon
