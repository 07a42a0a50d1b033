#include "store/embedded/embedded_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/fd.h"
#include "store/embedded/block_codec.h"
#include "tests/support/temp_dir.h"

namespace watchfire::store {
namespace {

using profile::Profile;

// A profile of one type with a stack main -> name for each (name, value).
profile::ProfilePtr cpu_profile(const std::vector<std::pair<std::string, int64_t>>& leaves,
                                std::string_view type = "cpu", std::string_view unit = "nanoseconds") {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str(type), str(unit)}};
  p.period_type = {str("cpu"), str("nanoseconds")};
  p.period = 10'000'000;
  p.values.resize(1);
  p.mappings.push_back({.id = 1, .start = 0x1000, .limit = 0x9000, .file = str("/bin/app")});
  auto location = [&](std::string_view name) {
    auto index = static_cast<uint32_t>(p.functions.size());
    p.functions.push_back({index + 1u, str(name), str(name), str("app.cc"), 1});
    p.lines.push_back({index, 10, 0});
    p.locations.push_back({index + 1u, 0x1000 + index, 0, index, 1, false});
    return index;
  };
  uint32_t root = location("main");
  for (const auto& [name, value] : leaves) {
    uint32_t stack[] = {location(name), root};
    p.add_sample(stack, {}, std::vector<int64_t>{value});
  }
  return std::make_shared<const Profile>(std::move(p));
}

Entry entry(const std::string& service, UnixNs end, profile::ProfilePtr p, const std::string& source = "ebpf") {
  return {{{"service_name", service}, {"source", source}}, "process_cpu", {end - 10 * kSecond, end}, std::move(p)};
}

constexpr UnixNs kNoon = 1'800'000'000 * kSecond;

int64_t total(const Profile& p) {
  int64_t sum = 0;
  for (int64_t v : p.values.at(0)) sum += v;
  return sum;
}

Result<profile::MergeResult> merge(Store& store, std::string_view selector, TimeRange range = {0, kNoon + 24 * kHour}) {
  return store.merge(*profile::Selector::parse(selector), range, {});
}

class EmbeddedStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store> open(EmbeddedOptions options = {}) {
    options.directory = dir_.path() + "/store";
    auto store = EmbeddedStore::open(options);
    EXPECT_TRUE(store) << store.error().text();
    return store ? *std::move(store) : nullptr;
  }
  test::TempDir dir_;
};

TEST_F(EmbeddedStoreTest, gives_back_what_was_acknowledged_after_reopening) {
  {
    auto store = open();
    ASSERT_TRUE(store->append({entry("api", kNoon, cpu_profile({{"parse", 70}, {"write", 30}}))}));
    ASSERT_TRUE(store->append({entry("api", kNoon + 10 * kSecond, cpu_profile({{"parse", 5}}))}));
  }
  auto store = open();
  auto merged = merge(*store, R"(process_cpu{service_name="api"})");
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(total(*merged->profile), 105);
  EXPECT_EQ(merged->covered, 20 * kSecond);
  EXPECT_EQ(merged->stats.profiles, 2u);
  EXPECT_EQ(merged->stats.stacks, 2u);
}

TEST_F(EmbeddedStoreTest, blocks_and_head_answer_alike) {
  EmbeddedOptions small;
  small.head_profiles = 4;
  auto store = open(small);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(
        store->append({entry("api", kNoon + i * 10 * kSecond, cpu_profile({{"f" + std::to_string(i % 3), i}}))}));
  for (int i = 0; i < 100 && store->info().blocks < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_GE(store->info().blocks, 2u);
  EXPECT_LT(store->info().head_profiles, 4u);
  auto merged = merge(*store, "process_cpu");
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(total(*merged->profile), 45);
  EXPECT_EQ(merged->profile_count, 10u);
}

TEST_F(EmbeddedStoreTest, a_profile_belongs_to_the_range_that_holds_its_end) {
  auto store = open();
  ASSERT_TRUE(store->append({entry("api", kNoon, cpu_profile({{"f", 1}}))}));
  EXPECT_TRUE(merge(*store, "process_cpu", {kNoon - 10 * kSecond, kNoon}));
  EXPECT_FALSE(merge(*store, "process_cpu", {kNoon, kNoon + 10 * kSecond}));
}

TEST_F(EmbeddedStoreTest, counts_cpu_of_two_sources_once) {
  auto store = open();
  ASSERT_TRUE(store->append({entry("api", kNoon, cpu_profile({{"f", 100}}), "ebpf"),
                             entry("api", kNoon, cpu_profile({{"f", 97}}), "pprof"),
                             entry("db", kNoon, cpu_profile({{"g", 11}}), "pprof")}));
  auto merged = merge(*store, "process_cpu");
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(total(*merged->profile), 111);
  ASSERT_EQ(merged->stats.notes.size(), 1u);
  EXPECT_EQ(total(*merge(*store, R"(process_cpu{source="pprof"})")->profile), 108);
}

TEST_F(EmbeddedStoreTest, averages_gauges_within_a_series_and_adds_series) {
  auto store = open();
  auto gauge = [&](const std::string& instance, UnixNs end, int64_t value) {
    Entry e = entry("api", end, cpu_profile({{"f", value}}, "inuse_space", "bytes"), "pprof");
    e.profile_name = "memory";
    e.labels["instance"] = instance;
    return e;
  };
  ASSERT_TRUE(store->append({gauge("a", kNoon, 100), gauge("a", kNoon + kMinute, 300), gauge("b", kNoon, 1000)}));
  auto merged = merge(*store, "memory:inuse_space");
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(total(*merged->profile), 200 + 1000);
}

TEST_F(EmbeddedStoreTest, names_that_come_later_are_seen_in_old_windows) {
  auto store = open();
  Profile p;
  p.sample_types = {{p.strings.intern("cpu"), p.strings.intern("nanoseconds")}};
  p.values.resize(1);
  p.mappings.push_back(
      {.id = 1, .limit = ~0ull, .file = p.strings.intern("/bin/stripped"), .build_id = p.strings.intern("abc123")});
  p.locations.push_back({1, 0x4010, 0, 0, 0, false});
  uint32_t stack[] = {0};
  p.add_sample(stack, {}, std::vector<int64_t>{42});
  ASSERT_TRUE(store->append({entry("old", kNoon, std::make_shared<const Profile>(std::move(p)))}));
  EXPECT_EQ(store->unknown_addresses("abc123", {0x4010})->size(), 1u);
  auto before = merge(*store, "process_cpu");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->profile->locations.at(0).line_count, 0u);

  ASSERT_TRUE(store->add_symbols("abc123", {{0x4000, 0x4100, {{"compute", "_Z7computev", "c.cc", 7}}}}));
  EXPECT_TRUE(store->unknown_addresses("abc123", {0x4010, 0x40ff})->empty());
  EXPECT_EQ(store->unknown_addresses("abc123", {0x4100})->size(), 1u);
  auto after = merge(*store, "process_cpu");
  ASSERT_TRUE(after);
  const Profile& named = *after->profile;
  ASSERT_EQ(named.locations.at(0).line_count, 1u);
  EXPECT_EQ(named.text(named.functions.at(named.lines.at(named.locations[0].first_line).function).name), "compute");
  EXPECT_EQ(total(named), total(*before->profile));
}

TEST_F(EmbeddedStoreTest, keeps_within_its_size_and_keeps_the_newest) {
  EmbeddedOptions options;
  options.max_bytes = 8u << 20;
  options.head_profiles = 16;
  auto store = open(options);
  std::srand(7);
  UnixNs end = kNoon;
  uint64_t most = 0;
  for (int i = 0; i < 600; ++i) {
    std::vector<std::pair<std::string, int64_t>> leaves;
    for (int k = 0; k < 1500; ++k) leaves.push_back({"f" + std::to_string(std::rand()), std::rand()});
    ASSERT_TRUE(store->append({entry("api", end += 10 * kSecond, cpu_profile(leaves))}));
    most = std::max(most, store->info().bytes);
  }
  EXPECT_LT(most, options.max_bytes + (2u << 20));
  EXPECT_TRUE(merge(*store, "process_cpu", {end - kMinute, end}));
  EXPECT_FALSE(merge(*store, "process_cpu", {kNoon, kNoon + kMinute}));
}

TEST_F(EmbeddedStoreTest, a_clock_that_steps_a_year_ahead_costs_one_block_at_most) {
  EmbeddedOptions options;
  options.head_profiles = 1;
  auto store = open(options);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store->append({entry("api", kNoon + i * kMinute, cpu_profile({{"f", 1}}))}));
    for (int k = 0; k < 100 && store->info().head_profiles > 0; ++k)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_TRUE(store->append({entry("api", kNoon + 366 * 24 * kHour, cpu_profile({{"f", 1}}))}));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store->append({entry("api", kNoon + 366 * 24 * kHour + i * kMinute, cpu_profile({{"f", 1}}))}));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  auto old = merge(*store, "process_cpu", {0, kNoon + kHour});
  ASSERT_TRUE(old) << old.error().text();
  EXPECT_EQ(old->profile_count, 9u);
}

TEST_F(EmbeddedStoreTest, refuses_a_store_that_is_open_elsewhere_newer_or_read_only) {
  EmbeddedOptions options;
  options.directory = dir_.path() + "/store";
  {
    auto store = open();
    auto second = EmbeddedStore::open(options);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  }
  ASSERT_TRUE(write_file_atomically(options.directory + "/FORMAT", "watchfire-store 2\n"));
  auto newer = EmbeddedStore::open(options);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kUnsupported);
  options.directory = "/proc/1/watchfire-store";
  EXPECT_FALSE(EmbeddedStore::open(options));
}

TEST_F(EmbeddedStoreTest, a_damaged_block_is_told_and_the_rest_is_served) {
  EmbeddedOptions small;
  small.head_profiles = 1;
  {
    auto store = open(small);
    ASSERT_TRUE(store->append({entry("api", kNoon, cpu_profile({{"f", 1}}))}));
    for (int i = 0; i < 100 && store->info().blocks < 1; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(store->append({entry("api", kNoon + kMinute, cpu_profile({{"f", 2}}))}));
    for (int i = 0; i < 100 && store->info().blocks < 2; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::string block = dir_.path() + "/store/blocks/1.block";
  std::string bytes = *read_file(block, 1 << 20);
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomically(block, bytes));
  auto store = open(small);
  auto merged = merge(*store, "process_cpu");
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(total(*merged->profile), 2);
  EXPECT_EQ(merged->stats.notes.size(), 1u);
}

TEST(BlockCodec, gives_back_stacks_labels_and_values) {
  auto p = cpu_profile({{"a", 1}, {"b", -2}, {"c", INT64_MAX}});
  BlockWriter writer;
  writer.add(*p);
  writer.add(*cpu_profile({{"b", 5}}));
  std::string bytes = writer.finish();
  auto reader = BlockReader::open(bytes);
  ASSERT_TRUE(reader) << reader.error().text();
  ASSERT_EQ(reader->item_count(), 2u);
  auto back = reader->profile(0);
  ASSERT_TRUE(back);
  EXPECT_TRUE(profile::validate(*back));
  std::vector<int64_t> values = back->values[0];
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<int64_t>{-2, 1, INT64_MAX}));
  EXPECT_EQ(reader->dictionary().functions.size(), 4u);  // main, a, b, c once
}

TEST(BlockCodec, a_block_cut_or_flipped_anywhere_is_an_error_and_no_crash) {
  BlockWriter writer;
  writer.add(*cpu_profile({{"a", 1}, {"b", 2}}));
  std::string bytes = writer.finish();
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(BlockReader::open(std::string_view(bytes).substr(0, n)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    auto reader = BlockReader::open(bad);
    if (reader) EXPECT_FALSE(reader->samples(0)) << "byte " << i;
  }
}

}  // namespace
}  // namespace watchfire::store
