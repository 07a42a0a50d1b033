#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "converters/decode_any.h"
#include "converters/legacy/decode.h"
#include "tests/support/corpus.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

Profile decoded(std::string_view text) {
  auto p = decode_any(text);
  EXPECT_TRUE(p) << p.error().message;
  if (!p) return {};
  EXPECT_TRUE(validate(*p)) << validate(*p).error().message;
  return *std::move(p);
}

std::string type_names(const Profile& p) {
  std::string names;
  for (const auto& t : p.sample_types) names += std::string(p.text(t.type)) + "/" + std::string(p.text(t.unit)) + " ";
  return names;
}

std::vector<uint64_t> addresses(const Profile& p, size_t sample) {
  std::vector<uint64_t> result;
  for (uint32_t l : p.stacks[p.sample_stacks[sample]]) result.push_back(p.locations[l].address);
  return result;
}

template <typename Word>
std::string words(std::initializer_list<Word> list) {
  std::string bytes;
  for (Word w : list) bytes.append(reinterpret_cast<const char*>(&w), sizeof w);
  return bytes;
}

TEST(Legacy, cpu_profile_of_either_word_size) {
  const std::string map =
      "00400000-00500000 r-xp 00000000 08:01 1234 /usr/bin/server\n"
      "7f0000000000-7f0000100000 r-xp 00000000 08:01 99 /lib/libc.so.6\n"
      "7f0000100000-7f0000200000 rw-p 00000000 08:01 99 /lib/libc.so.6\n";
  std::string wide = words<uint64_t>({0, 3, 0, 10000, 0, 5, 2, 0x400100, 0x400201, 0, 1, 0}) + map;
  std::string narrow = words<uint32_t>({0, 3, 0, 10000, 0, 5, 2, 0x400100, 0x400201, 0, 1, 0}) + map;
  for (const std::string& bytes : {wide, narrow}) {
    Profile p = decoded(bytes);
    EXPECT_EQ(type_names(p), "samples/count cpu/nanoseconds ");
    ASSERT_EQ(p.sample_count(), 1u);
    EXPECT_EQ(p.values[0][0], 5);
    EXPECT_EQ(p.values[1][0], 50'000'000);
    EXPECT_EQ(p.period, 10'000'000);
    // The only frame above the leaf is in all samples, as a signal handler's would be.
    EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x400100}));
    ASSERT_EQ(p.mappings.size(), 2u);
    EXPECT_EQ(p.text(p.mappings[0].file), "/usr/bin/server");
    EXPECT_EQ(p.locations[0].mapping, 0u);
  }
}

TEST(Legacy, cpu_profile_addresses_point_into_the_call) {
  Profile p =
      decoded(words<uint64_t>({0, 3, 0, 10000, 0, 1, 2, 0x400100, 0x400201, 1, 2, 0x400100, 0x400301, 0, 1, 0}));
  EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x400100, 0x400200}));
  EXPECT_EQ(addresses(p, 1), (std::vector<uint64_t>{0x400100, 0x400300}));
}

TEST(Legacy, heap_text_is_unsampled) {
  Profile p = decoded(
      "heap profile: 2: 2048 [ 4: 8192 ] @ heap_v2/524288\n"
      "  1: 1024 [ 2: 2048 ] @ 0x401001 0x402001\n"
      "MAPPED_LIBRARIES:\n"
      "400000-500000 r-xp 00000000 00:00 0 /bin/server\n");
  EXPECT_EQ(type_names(p), "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes ");
  EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x401000, 0x402000}));
  EXPECT_EQ(p.values[2][0], 512);
  EXPECT_EQ(p.values[3][0], 524800);
  auto labels = p.label_sets[p.sample_label_sets[0]];
  ASSERT_EQ(labels.size(), 1u);
  EXPECT_EQ(labels[0].num, 1024);
  EXPECT_NE(p.text(p.drop_frames).find("malloc"), std::string_view::npos);
}

TEST(Legacy, growth_is_taken_as_it_is) {
  Profile p = decoded("heap profile:  1:  4096 [  1:  4096 ] @ growthz\n 1: 4096 [ 1: 4096 ] @ 0x10\n");
  EXPECT_EQ(type_names(p), "objects/count space/bytes ");
  EXPECT_EQ(p.values[1][0], 4096);
}

TEST(Legacy, go_counts) {
  Profile p = decoded("goroutine profile: total 3\n2 @ 0x11 0x21\n#\t0x10\tmain.main+0x1\tmain.go:1\n\n1 @ 0x11\n");
  EXPECT_EQ(type_names(p), "goroutine/count ");
  ASSERT_EQ(p.sample_count(), 2u);
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x10, 0x20}));
  ASSERT_EQ(p.mappings.size(), 1u);  // made for the addresses
  EXPECT_EQ(p.mappings[0].limit, ~uint64_t{0});
}

TEST(Legacy, contention_cycles_become_time) {
  Profile p = decoded(
      "--- contentionz 1 ---\ncycles/second = 2000000000\nsampling period = 100\nms since reset = 5\n"
      "discarded samples = 0\n  40 3 @ 0x11 0x21\n");
  EXPECT_EQ(type_names(p), "contentions/count delay/nanoseconds ");
  EXPECT_EQ(p.values[0][0], 300);
  EXPECT_EQ(p.values[1][0], 2000);
  EXPECT_EQ(p.duration_ns, 5'000'000);
}

TEST(Legacy, threads_with_equal_stacks_add_up) {
  Profile p = decoded(
      "--- threadz 1 ---\n\n--- Thread 7f01 (name: a/11) stack: ---\n  PC: 0x10 0x21\n"
      "--- Thread 7f02 (name: b/12) stack: ---\n [same as previous thread]\n--- Memory map: ---\n");
  EXPECT_EQ(type_names(p), "thread/count ");
  ASSERT_EQ(p.sample_count(), 1u);
  EXPECT_EQ(p.values[0][0], 2);
  EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x10, 0x20}));
}

TEST(Legacy, java_text_names_its_frames) {
  Profile p = decoded(
      "--- contentionz 1 ---\nformat = java\nresolution = microseconds\nsampling period = 10\nms since reset = 1\n"
      "  7 2 @ 0x1 0x2\n\n 0x1 com.example.Lock.take (Lock.java:12)\n 0x2 GC\n");
  EXPECT_EQ(type_names(p), "contentions/count delay/microseconds ");
  EXPECT_EQ(p.values[0][0], 20);
  EXPECT_EQ(p.values[1][0], 70);
  ASSERT_EQ(p.functions.size(), 2u);
  EXPECT_EQ(p.text(p.functions[0].name), "com.example.Lock.take");
  EXPECT_EQ(p.lines[0].line, 12);
  EXPECT_EQ(p.locations[0].address, 0u);
}

TEST(Legacy, memory_maps_of_both_forms_are_matched) {
  Profile p = decoded(
      "heap profile: 1: 1 [ 1: 1 ] @ heapprofile\n1: 1 [ 1: 1 ] @ 0x40001 0x91\n--- Memory map: ---\n"
      "dir=/opt/app\n40000-80000: $dir/server (@1000) abc123\n100-200: rw-p /data\n");
  ASSERT_EQ(p.mappings.size(), 2u);
  EXPECT_EQ(p.text(p.mappings[0].file), "/opt/app/server");
  EXPECT_EQ(p.text(p.mappings[0].build_id), "abc123");
  EXPECT_EQ(p.mappings[0].file_offset, 0x1000u);
  EXPECT_EQ(p.locations[1].mapping, 1u);
}

TEST(Legacy, limits_hold) {
  DecodeLimits limits;
  limits.samples = 1;
  auto r = decode_legacy("x profile: total 3\n2 @ 0x11\n1 @ 0x12\n", limits);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, ErrorCode::kResourceExhausted);
  limits = {};
  limits.stack_depth = 1;
  EXPECT_EQ(decode_legacy("x profile: total 3\n2 @ 0x11 0x12\n", limits).error().code, ErrorCode::kResourceExhausted);
}

TEST(Legacy, other_text_is_not_taken) {
  EXPECT_EQ(decode_legacy("hello\n").error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decode_any("hello\n").error().message, "looks like text, not a profile");
  EXPECT_EQ(decode_legacy("x profile: total 3\nnonsense\n").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_legacy("heap profile: 1: 1 [ 1: 1 ] @ heapfoo/5\n").error().code, ErrorCode::kUnsupported);
}

constexpr std::string_view kJemalloc =
    "heap_v2/524288\n"
    "  t*: 5: 5120 [0: 0]\n"
    "  t0: 3: 3072 [0: 0]\n"
    "  t1: 2: 2048 [0: 0]\n"
    "@ 0x401001 0x402001\n"
    "  t*: 3: 3072 [0: 0]\n"
    "  t0: 1: 1024 [0: 0]\n"
    "  t1: 2: 2048 [0: 0]\n"
    "@ 0x401001\n"
    "  t*: 2: 2048 [0: 0]\n"
    "\n"
    "MAPPED_LIBRARIES:\n"
    "00400000-00500000 r-xp 00000000 00:00 0 /bin/server\n";

TEST(Legacy, jemalloc_heap_is_unsampled_by_thread) {
  Profile p = decoded(kJemalloc);
  EXPECT_EQ(type_names(p), "objects/count space/bytes ");
  ASSERT_EQ(p.sample_count(), 3u);
  EXPECT_EQ(addresses(p, 0), (std::vector<uint64_t>{0x401000, 0x402000}));
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{512, 1025, 1025}));
  EXPECT_EQ(p.values[1][0], 524800);
  auto labels = p.label_sets[p.sample_label_sets[1]];
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(p.text(labels[0].str), "1");
  EXPECT_EQ(labels[1].num, 1024);
  EXPECT_EQ(p.label_sets[p.sample_label_sets[2]].size(), 1u);
  EXPECT_EQ(p.text(p.mappings[0].file), "/bin/server");
  EXPECT_EQ(p.period, 524288);
}

TEST(Legacy, jemalloc_heap_has_what_was_ever_allocated_where_it_is_kept) {
  Profile p = decoded("heap_v2/1\n  t*: 1: 10 [3: 40]\n@ 0x401001\n  t*: 1: 10 [3: 40]\n");
  EXPECT_EQ(type_names(p), "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes ");
  EXPECT_EQ(p.values[1][0], 40);
  EXPECT_EQ(p.values[3][0], 10);
}

TEST(Legacy, jemalloc_heap_begins_where_the_allocator_was_called) {
  Profile p = decoded(
      "heap_v2/1\n  t*: 1: 10 [0: 0]\n@ 0x7001 0x7002 0x401002 0x7003 0x401003\n  t*: 1: 10 [0: 0]\n"
      "@ 0x7001 0x7002\n  t*: 1: 10 [0: 0]\n\nMAPPED_LIBRARIES:\n"
      "00400000-00500000 r-xp 00000000 fe:01 1 /bin/app\n"
      "00007000-00008000 r-xp 00000000 fe:01 2 /usr/lib/libjemalloc.so.2\n");
  ASSERT_EQ(p.sample_count(), 2u);
  auto addresses = [&](size_t sample) {
    std::vector<uint64_t> out;
    for (uint32_t l : p.stacks[p.sample_stacks[sample]]) out.push_back(p.locations[l].address);
    return out;
  };
  EXPECT_EQ(addresses(0), (std::vector<uint64_t>{0x401001, 0x7002, 0x401002}));
  EXPECT_EQ(addresses(1), (std::vector<uint64_t>{0x7000, 0x7001})) << "nothing else is there to show";
}

// "        330   21633910: 1 2 3" and below it "thread:[1]": the values of a stack and thread, as pprofutils prints
// them.
std::map<std::string, std::pair<int64_t, int64_t>> stated_by_thread(const std::string& text) {
  std::map<std::string, std::pair<int64_t, int64_t>> sums;
  long long count = 0, bytes = 0;
  char thread[32];
  for (size_t at = text.find("objects/count"), end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line == "Locations") break;
    std::sscanf(line.c_str(), "%lld %lld:", &count, &bytes);
    if (std::sscanf(line.c_str(), " thread:[%31[^]]]", thread) != 1) continue;
    sums[thread].first += count;
    sums[thread].second += bytes;
  }
  return sums;
}

TEST(Legacy, corpus_jemalloc_numbers_are_pprofutils) {
  const std::string base = "felixge-pprofutils/internal/legacy/test-fixtures/jemalloc.heap";
  WF_CORPUS_OR_SKIP(text, base);
  Profile p = decoded(text);
  std::map<std::string, std::pair<int64_t, int64_t>> sums;
  // That tool drops the last stack of a file, which here is one sample.
  for (size_t i = 0; i + 1 < p.sample_count(); ++i) {
    auto labels = p.label_sets[p.sample_label_sets[i]];
    auto& sum = sums[std::string(p.text(labels[0].str))];
    sum.first += p.values[0][i];
    sum.second += p.values[1][i];
  }
  EXPECT_EQ(p.sample_count(), 6592u + 1);
  EXPECT_EQ(sums, stated_by_thread(testing::corpus_file(base + ".string")));
}

}  // namespace
}  // namespace watchfire::converters
