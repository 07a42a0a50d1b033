#include "collectors/ebpf/window_builder.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "collectors/ebpf/kernel_symbols.h"
#include "collectors/ebpf/window_clock.h"

namespace watchfire::collectors::ebpf {
namespace {

FileRef make_elf(const std::string& id) {
  auto file = std::make_shared<MappedFile>();
  file->fallback_id = "inode:" + id;
  file->path = "/bin/" + id;
  file->state = MappedFile::Facts::kKnown;
  file->facts = {.is_elf = 1, .file_id = id, .build_id = id, .segments = {{0x1000, 0x1000, 0x401000}}};
  return file;
}

TEST(WindowBuilder, keeps_100000_distinct_stacks_apart_and_counts_every_sample) {
  WindowBuilder builder(256u << 20);
  auto process = std::make_shared<Process>();
  auto file = make_elf("aa");
  std::mt19937 random(7);
  std::map<std::vector<uint64_t>, uint64_t> truth;
  std::vector<std::vector<uint64_t>> stacks;
  std::set<std::vector<uint64_t>> seen;
  while (stacks.size() < 100'000) {
    std::vector<uint64_t> stack(10 + random() % 30);
    for (auto& offset : stack) offset = 0x1000 + random() % 0x800;
    if (seen.insert(stack).second) stacks.push_back(stack);
  }
  for (int i = 0; i < 250'000; ++i) {
    const auto& stack = i < 100'000 ? stacks[static_cast<size_t>(i)] : stacks[random() % stacks.size()];
    std::vector<RawFrame> frames;
    for (uint64_t offset : stack) frames.push_back({file, offset, {}});
    builder.add({process, 1, "t", frames, StackEnd::kEndOfChain, 10});
    ++truth[stack];
  }
  EXPECT_EQ(builder.stored() + builder.lost(), 250'000u);
  EXPECT_EQ(builder.lost(), 0u);

  RawWindow w = builder.finish();
  ASSERT_EQ(w.samples.size(), truth.size());
  uint64_t wrong = 0;
  for (const auto& sample : w.samples) {
    std::vector<uint64_t> stack;
    for (uint32_t frame : w.stack(sample.stack)) stack.push_back(w.frames[frame].address - 0x401000 + 0x1000);
    auto it = truth.find(stack);
    wrong += it == truth.end() || it->second != sample.count || sample.weight_ns != sample.count * 10;
  }
  EXPECT_EQ(wrong, 0u);
  w.expected_samples = w.stored_samples();
  auto back = decode_window(encode_window(w));
  ASSERT_TRUE(back) << back.error().text();
}

TEST(WindowBuilder, samples_of_a_thread_stand_for_equal_parts_of_what_it_ran) {
  WindowBuilder builder(1u << 20);
  auto process = std::make_shared<Process>();
  auto file = make_elf("aa");
  auto add = [&](uint32_t tid, uint64_t offset, int64_t weight) {
    RawFrame frames[] = {{file, offset, {}}};
    builder.add({process, tid, "t", frames, StackEnd::kEndOfChain, weight});
  };
  for (int64_t weight : {10, 20, 30}) add(1, 0x1000, weight);
  add(1, 0x1010, 41);
  add(2, 0x1000, 7);
  std::map<std::pair<uint32_t, uint64_t>, int64_t> weights;
  RawWindow w = builder.finish();
  for (const auto& s : w.samples) weights[{s.tid, w.frames[w.stack(s.stack)[0]].address}] = s.weight_ns;
  EXPECT_EQ((weights[{1, 0x401000}]), 75);
  EXPECT_EQ((weights[{1, 0x401010}]), 26);
  EXPECT_EQ((weights[{2, 0x401000}]), 7);
}

TEST(WindowBuilder, a_full_window_loses_and_says_how_many) {
  WindowBuilder builder(100'000);
  auto process = std::make_shared<Process>();
  auto file = make_elf("aa");
  for (uint64_t i = 0; i < 50'000; ++i) {
    RawFrame frames[] = {{file, i, {}}, {file, i * 3, {}}};
    builder.add({process, 1, "t", frames, StackEnd::kEndOfChain, 1});
  }
  EXPECT_GT(builder.stored(), 100u);
  EXPECT_GT(builder.lost(), 100u);
  EXPECT_EQ(builder.stored() + builder.lost(), 50'000u);
  EXPECT_EQ(builder.finish().lost.at("window_full"), builder.lost());
}

TEST(WindowBuilder, addresses_are_the_files_own_once_its_segments_are_known) {
  WindowBuilder builder(1u << 20);
  auto process = std::make_shared<Process>();
  auto known = make_elf("aa"), unknown = make_elf("bb");
  unknown->state = MappedFile::Facts::kAsked;
  unknown->asked_at = 100;
  RawFrame frames[] = {{known, 0x1234, {}}, {unknown, 0x1234, {}}, {FileCache::anonymous(), 0x7000, {}}};
  builder.add({process, 1, "t", frames, StackEnd::kEndOfChain, 1});
  EXPECT_TRUE(builder.waits_for_facts(100, 10));
  EXPECT_FALSE(builder.waits_for_facts(110, 10));
  RawWindow w = builder.finish();
  EXPECT_EQ(w.frames[0].address, 0x401234u);
  EXPECT_EQ(w.files[0].kind, WindowFileKind::kElf);
  EXPECT_EQ(w.frames[1].address, 0x1234u);
  EXPECT_EQ(w.files[1].kind, WindowFileKind::kRawFile);
  EXPECT_EQ(w.files[1].id, "inode:bb");
  EXPECT_EQ(w.files[1].build_id, "");
  EXPECT_EQ(w.files[2].id, "[anon]");
}

TEST(WindowBuilder, named_frames_keep_their_names_and_threads_theirs) {
  WindowBuilder builder(1u << 20);
  auto process = std::make_shared<Process>();
  auto kernel = make_kernel_file("6.1", "");
  RawFrame frames[] = {{kernel, 5, "schedule"}};
  builder.add({process, 1, "one", frames, StackEnd::kNoUserStack, 1});
  builder.add({process, 2, "two", frames, StackEnd::kNoUserStack, 1});
  builder.add({process, 2, "two", frames, StackEnd::kNoUserStack, 1});
  RawWindow w = builder.finish();
  ASSERT_EQ(w.samples.size(), 2u);
  EXPECT_EQ(w.names[w.frames[0].name], "schedule");
  EXPECT_EQ(w.names[w.samples[1].thread_name], "two");
  EXPECT_EQ(w.samples[1].count, 2u);
}

constexpr UnixNs kNoon = 1'800'000'000 * kSecond;

TEST(WindowClock, windows_end_on_multiples_of_ten_seconds_and_tile) {
  WindowClock clock(kNoon + 3 * kSecond, 1000);
  EXPECT_FALSE(clock.tick(kNoon + 9 * kSecond, 1000 + 6 * kSecond));
  auto first = clock.tick(kNoon + 10 * kSecond + 50 * kMillisecond, 1000 + 7 * kSecond + 50 * kMillisecond);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->start_ns, kNoon + 3 * kSecond);
  EXPECT_EQ(first->end_ns, kNoon + 10 * kSecond);
  auto second = clock.tick(kNoon + 20 * kSecond, 1000 + 17 * kSecond);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->start_ns, first->end_ns);
  EXPECT_EQ(second->end_ns, kNoon + 20 * kSecond);
  EXPECT_FALSE(second->stepped);
}

TEST(WindowClock, a_step_of_the_wall_clock_closes_the_window) {
  WindowClock clock(kNoon, 0);
  EXPECT_FALSE(clock.tick(kNoon + 2 * kSecond, 2 * kSecond));
  auto forward = clock.tick(kNoon + kHour, 3 * kSecond);
  ASSERT_TRUE(forward);
  EXPECT_TRUE(forward->stepped);
  EXPECT_EQ(forward->start_ns, kNoon);
  EXPECT_EQ(forward->end_ns, kNoon + 3 * kSecond);
  auto back = clock.tick(kNoon + 5 * kSecond, 5 * kSecond);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->stepped);
  EXPECT_EQ(back->start_ns, kNoon + kHour);
  EXPECT_EQ(back->end_ns, kNoon + kHour + 2 * kSecond);
}

TEST(WindowClock, slow_drift_is_no_step) {
  WindowClock clock(kNoon, 0);
  DurationNs drift = 0;
  for (int second = 1; second < 200; ++second) {
    drift += 5 * kMillisecond;
    if (auto span = clock.tick(kNoon + second * kSecond + drift, second * kSecond))
      EXPECT_FALSE(span->stepped) << second;
  }
}

TEST(WindowClock, after_a_long_pause_the_next_window_begins_where_the_last_ended) {
  WindowClock clock(kNoon, 0);
  auto late = clock.tick(kNoon + 34 * kSecond, 34 * kSecond);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->end_ns, kNoon + 10 * kSecond);
  auto next = clock.tick(kNoon + 40 * kSecond, 40 * kSecond);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->start_ns, kNoon + 10 * kSecond);
  EXPECT_EQ(next->end_ns, kNoon + 40 * kSecond);
  EXPECT_FALSE(next->stepped);
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
