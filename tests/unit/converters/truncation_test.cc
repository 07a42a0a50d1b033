#include <gtest/gtest.h>
#include <zstd.h>

#include <functional>
#include <string>
#include <vector>

#include "converters/decode_any.h"
#include "converters/folded/encode.h"
#include "converters/pprof/encode.h"
#include "tests/support/perf_file.h"
#include "tests/support/small_profile.h"

namespace watchfire::converters {
namespace {

template <typename Word>
std::string words(std::initializer_list<Word> list) {
  std::string bytes;
  for (Word w : list) bytes.append(reinterpret_cast<const char*>(&w), sizeof w);
  return bytes;
}

std::string zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

constexpr std::string_view kMap =
    "00400000-00500000 r-xp 00000000 08:01 1234 /usr/bin/server\n"
    "7f0000000000-7f0000100000 r-xp 00000000 08:01 99 /lib/libc.so.6\n";

struct Format {
  const char* name;
  std::string bytes;
  bool tells_a_cut;  ///< a part of it can't pass for the whole
};

std::vector<Format> formats() {
  auto small = testing::small_profile();
  std::string map(kMap);
  testing::PerfFile perf;
  perf.comm(7, 7, 1, "server", false);
  perf.mmap2(7, 0x400000, 0x10000, 2, "/bin/server");
  perf.sample({.ip = 0x401000, .pid = 7, .tid = 8, .time = 10, .period = 5, .chain = {0x401000, 0x402000}});
  return {
      {"pprof", encode_pprof(small), false},
      {"pprof gzip", encode_pprof_gz(small), true},
      {"pprof zstd", zstd(encode_pprof(small)), true},
      {"cpu 64", words<uint64_t>({0, 3, 0, 10000, 0, 5, 2, 0x400100, 0x400201, 0, 1, 0}) + map, false},
      {"cpu 32", words<uint32_t>({0, 3, 0, 10000, 0, 5, 2, 0x400100, 0x400201, 0, 1, 0}) + map, false},
      {"heap",
       "heap profile: 2: 2048 [ 4: 8192 ] @ heap_v2/524288\n  1: 1024 [ 2: 2048 ] @ 0x401001 0x402001\n"
       "MAPPED_LIBRARIES:\n" +
           map,
       false},
      {"growth", "heap profile: 1: 1024 [ 1: 1024 ] @ growthz\n 1: 1024 [ 1: 1024 ] @ 0x401001\n", false},
      {"jemalloc",
       "heap_v2/524288\n  t*: 3: 3072 [0: 0]\n@ 0x401001 0x402001\n  t*: 3: 3072 [0: 0]\n  t0: 3: 3072 [0: 0]\n\n"
       "MAPPED_LIBRARIES:\n" +
           map,
       false},
      {"go count", "goroutine profile: total 3\n2 @ 0x401001 0x402001\n#\t0x401001\tmain.main+0x1\n1 @ 0x401002\n",
       false},
      {"contention",
       "--- contentionz 1 ---\ncycles/second = 1000000000\nsampling period = 100\n 120 3 @ 0x401001 0x402001\n", false},
      {"threadz",
       "--- threadz 1 ---\n\n--- Thread 7f7 (name: main/12) stack: ---\n  0x401001 0x402001\n  0x403001\n"
       "--- Memory map: ---\n" +
           map,
       false},
      {"java",
       "--- heapz 1 ---\nformat = java\nresolution = bytes\n 100 2 @ 0x1 0x2\n\n 0x1 com.example.A.f (A.java:10)\n"
       " 0x2 com.example.B.g (B.java:20)\n",
       false},
      {"perf.data", perf.bytes(), true},
      {"perf script",
       "# cmdline : perf record\na 10/11 1.000000: 100 cycles:u: \n\t  1010 leaf+0x10 (/bin/a)\n\t  1020 f (inlined)\n"
       "\t  1020 g+0x20 (/bin/a)\n\n",
       false},
      {"folded", encode_folded(small, 0), false},
      {"folded difference", encode_folded_difference(small, 0, small, 1), false},
  };
}

TEST(Truncation, every_part_of_every_format_is_read_or_refused_with_a_reason) {
  for (const Format& f : formats()) {
    auto whole = decode_any(f.bytes);
    ASSERT_TRUE(whole) << f.name << ": " << whole.error().message;
    ASSERT_GT(whole->sample_count(), 0u) << f.name;
    size_t read = 0;
    for (size_t n = 0; n < f.bytes.size(); ++n) {
      // A copy of its own, so that reading past the end is seen.
      std::vector<char> part(f.bytes.begin(), f.bytes.begin() + static_cast<ptrdiff_t>(n));
      auto p = decode_any({part.data(), part.size()});
      if (!p) {
        EXPECT_FALSE(p.error().message.empty()) << f.name << " " << n;
        EXPECT_NE(p.error().code, ErrorCode::kInternal) << f.name << " " << n << ": " << p.error().message;
        continue;
      }
      ++read;
      ASSERT_TRUE(validate(*p)) << f.name << " " << n << ": " << validate(*p).error().message;
      if (!f.tells_a_cut) continue;
      bool is_marked = false;
      for (auto c : p->comments) is_marked = is_marked || p->text(c).find("is cut") != std::string_view::npos;
      EXPECT_TRUE(is_marked) << f.name << " " << n;
    }
    if (std::string_view(f.name).starts_with("pprof ")) {
      EXPECT_EQ(read, 0u) << f.name;
    }
  }
}

}  // namespace
}  // namespace watchfire::converters
