#include "store/embedded/block_cache.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <thread>

#include "store/embedded/embedded_store.h"
#include "tests/support/temp_dir.h"

namespace watchfire::store {
namespace {

profile::Profile numbered(int n, int samples, int functions = 5000) {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("cpu"), p.strings.intern("nanoseconds")}};
  p.values.resize(1);
  for (int i = 0; i < samples; ++i) {
    auto index = static_cast<uint32_t>(i);
    auto function = static_cast<uint32_t>((n + i) % functions);
    auto name = p.strings.intern("function_" + std::to_string(function));
    p.functions.push_back({index + 1u, name, name, 0, 0});
    p.lines.push_back({index, 1, 0});
    p.locations.push_back({index + 1u, 0x1000u + function, profile::kNone, index, 1, false});
    uint32_t stack[] = {index};
    p.add_sample(stack, {}, std::vector<int64_t>{1});
  }
  return p;
}

std::string block_of(int n, int samples = 50) {
  BlockWriter writer;
  writer.add(numbered(n, samples));
  return writer.finish();
}

struct BlockCacheTest : ::testing::Test {
  void SetUp() override {
    ASSERT_TRUE(files.create_directory());
    for (int64_t id = 1; id <= 20; ++id) ASSERT_TRUE(files.write(id, block_of(static_cast<int>(id))));
  }
  size_t bytes_of_one() {
    BlockCache one(files, 64u << 20);
    EXPECT_TRUE(one.open(1));
    return one.held_bytes();
  }
  test::TempDir dir;
  BlockFiles files{dir.path() + "/blocks"};
};

TEST_F(BlockCacheTest, a_block_asked_again_is_the_same_one) {
  BlockCache cache(files, 64u << 20);
  auto first = cache.open(3);
  ASSERT_TRUE(first);
  files.remove(3);
  auto again = cache.open(3);
  ASSERT_TRUE(again);
  EXPECT_EQ(first->get(), again->get());
  EXPECT_TRUE((*again)->reader.samples(0));
}

TEST_F(BlockCacheTest, it_never_holds_more_than_it_may_and_still_opens_all) {
  size_t most = bytes_of_one() * 4;
  BlockCache cache(files, most);
  auto first = cache.open(1);
  ASSERT_TRUE(first);
  for (int round = 0; round < 2; ++round)
    for (int64_t id = 1; id <= 20; ++id) {
      ASSERT_TRUE(cache.open(id));
      EXPECT_LE(cache.held_bytes(), most);
    }
  EXPECT_GT(cache.held_bytes(), most / 2);
  EXPECT_EQ(cache.open(1)->get(), first->get()) << "a scan must not push out all that it will need again";
}

TEST_F(BlockCacheTest, what_cannot_be_read_is_an_error_each_time) {
  BlockCache cache(files, 64u << 20);
  ASSERT_TRUE(files.write(7, "WFBLOCK, but broken"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(cache.open(7).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(cache.open(99).error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(cache.held_bytes(), 0u);
}

TEST_F(BlockCacheTest, threads_share_it) {
  BlockCache cache(files, bytes_of_one() * 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(cache.open(1 + (i * 7 + t) % 20));
    });
  for (auto& t : threads) t.join();
  EXPECT_LE(cache.held_bytes(), bytes_of_one() * 4);
}

// "VmHWM:" or "VmRSS:" of this process, in bytes.
size_t memory_of(const std::string& what) {
  std::ifstream status("/proc/self/status");
  std::string word;
  size_t kilobytes = 0;
  while (status >> word)
    if (word == what) status >> kilobytes;
  return kilobytes << 10;
}

constexpr UnixNs kStart = 1'800'000'000 * kSecond;

/// A store with a thousand profiles in blocks, of 400 samples each, whose functions are among that many.
std::unique_ptr<Store> store_of_a_thousand(const test::TempDir& dir, int functions) {
  EmbeddedOptions options;
  options.directory = dir.path() + "/store";
  options.head_profiles = 100;
  auto store = EmbeddedStore::open(options);
  EXPECT_TRUE(store);
  for (int n = 0; n < 1000; n += 10) {
    std::vector<Entry> entries;
    for (int i = n; i < n + 10; ++i)
      entries.push_back({{{"service_name", "api"}},
                         "process_cpu",
                         {kStart + i * kSecond, kStart + (i + 1) * kSecond},
                         std::make_shared<const profile::Profile>(numbered(i * (functions / 1000), 400, functions))});
    EXPECT_TRUE((*store)->append(std::move(entries)));
  }
  for (int i = 0; i < 200 && (*store)->info().head_profiles > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return *std::move(store);
}

/// The merge of all profiles, and by how many bytes the process grew at most meanwhile.
std::pair<Result<profile::MergeResult>, size_t> measured_merge(Store& store, const profile::MergeOptions& options) {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // the high-water mark starts again
  size_t before = memory_of("VmRSS:");
  auto merged = store.merge(*profile::Selector::parse("process_cpu"), {kStart, kStart + kHour}, options);
  size_t peak = memory_of("VmHWM:");
  std::printf("peak grew by %zu kB\n", (peak - std::min(peak, before)) >> 10);
  return {std::move(merged), peak - std::min(peak, before)};
}

TEST(StoreMerge, a_thousand_profiles_cost_bounded_memory_and_the_answer_says_what_was_read) {
  test::TempDir dir;
  auto store = store_of_a_thousand(dir, 5000);
  auto [merged, grown] = measured_merge(*store, {});
  ASSERT_TRUE(merged) << merged.error().text();
  EXPECT_EQ(merged->stats.blocks, 10u);
  EXPECT_EQ(merged->stats.profiles, 1000u);
  EXPECT_EQ(merged->stats.samples, 400'000u);
  EXPECT_EQ(merged->stats.stacks, merged->profile->stacks.size() - 1);
  EXPECT_EQ(merged->stats.stacks, 5000u);
  EXPECT_FALSE(merged->stats.partial);
  EXPECT_LT(grown, 16u << 20);
  int64_t sum = 0;
  for (int64_t v : merged->profile->values[0]) sum += v;
  EXPECT_EQ(sum, 400'000);

  profile::MergeOptions enough;
  enough.max_bytes = 5 * merged->profile->memory_bytes();
  auto whole = store->merge(*profile::Selector::parse("process_cpu"), {kStart, kStart + kHour}, enough);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->stats.profiles, 1000u) << "blocks that bring nothing new cost nothing";
  EXPECT_FALSE(whole->stats.partial);

  profile::MergeOptions small;
  small.max_bytes = 64 << 10;
  auto cut = store->merge(*profile::Selector::parse("process_cpu"), {kStart, kStart + kHour}, small);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->stats.partial);
  EXPECT_LT(cut->stats.profiles, 1000u);
  EXPECT_EQ(cut->stats.profiles, cut->stats.blocks * 100) << "a block that was not taken is not counted";
  EXPECT_FALSE(cut->stats.notes.empty());
}

TEST(StoreMerge, a_thousand_profiles_that_share_nothing_stay_within_the_budget_and_say_so) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's allocator keeps what is freed";
#endif
  test::TempDir dir;
  auto store = store_of_a_thousand(dir, 400'000);
  constexpr size_t kBlock = 16u << 20;
  for (size_t budget : {24u << 20, 48u << 20, 96u << 20}) {
    profile::MergeOptions options;
    options.max_bytes = budget;
    auto [merged, grown] = measured_merge(*store, options);
    ASSERT_TRUE(merged) << merged.error().text();
    EXPECT_LT(grown, budget + kBlock);
    EXPECT_TRUE(merged->stats.partial);
    EXPECT_GT(merged->stats.stacks, budget / 2000) << "much fits all the same";
  }
}

}  // namespace
}  // namespace watchfire::store
