#include <gtest/gtest.h>
#include <libdeflate.h>
#include <pthread.h>
#include <zstd.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <string>

#include "converters/decode_any.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "converters/pprof/message_decoder.h"
#include "converters/pprof/wire.h"
#include "profile/merge.h"
#include "tests/support/random_profile.h"

namespace {

std::atomic<int64_t> g_live_bytes{0};
std::atomic<int64_t> g_peak_bytes{0};

void* counted_allocate(size_t size) {
  auto* block = static_cast<size_t*>(std::malloc(size + 16));
  if (block == nullptr) std::abort();
  *block = size;
  int64_t live = g_live_bytes += static_cast<int64_t>(size);
  if (live > g_peak_bytes) g_peak_bytes = live;
  return reinterpret_cast<char*>(block) + 16;
}

void counted_free(void* p) {
  if (p == nullptr) return;
  auto* block = reinterpret_cast<size_t*>(static_cast<char*>(p) - 16);
  g_live_bytes -= static_cast<int64_t>(*block);
  std::free(block);
}

}  // namespace

void* operator new(size_t size) {
  return counted_allocate(size);
}
void* operator new[](size_t size) {
  return counted_allocate(size);
}
void operator delete(void* p) noexcept {
  counted_free(p);
}
void operator delete[](void* p) noexcept {
  counted_free(p);
}
void operator delete(void* p, size_t) noexcept {
  counted_free(p);
}
void operator delete[](void* p, size_t) noexcept {
  counted_free(p);
}

namespace watchfire::converters {
namespace {

using profile::Profile;

/// Peak of heap above what was there before, while `f` runs.
template <typename F>
int64_t peak_heap(F f) {
  int64_t before = g_live_bytes;
  g_peak_bytes = before;
  f();
  return g_peak_bytes - before;
}

std::string gzip(std::string_view plain, int level = 6) {
  libdeflate_compressor* c = libdeflate_alloc_compressor(level);
  std::string out(libdeflate_gzip_compress_bound(c, plain.size()), '\0');
  out.resize(libdeflate_gzip_compress(c, plain.data(), plain.size(), out.data(), out.size()));
  libdeflate_free_compressor(c);
  return out;
}

/// sample_type {type, unit} and string table "", "cpu", "ns".
std::string small_header() {
  std::string s("\x0a\x04\x08\x01\x10\x02", 6);
  s += std::string("\x32\x00", 2) +
       "\x32\x03"
       "cpu" +
       "\x32\x02"
       "ns";
  return s;
}

std::string empty_samples(size_t bytes) {
  std::string s;
  s.reserve(bytes);
  while (s.size() < bytes) s.append("\x12\x00", 2);
  return s;
}

std::string error_of(std::string_view bytes, const DecodeLimits& limits = {}) {
  auto r = decode_pprof(bytes, limits);
  return r ? "" : r.error().message;
}

TEST(Pprof, encodes_and_decodes_to_the_same_bytes) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    std::string wire = encode_pprof(testing::random_profile(seed));
    auto back = decode_pprof(wire);
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_TRUE(validate(*back)) << validate(*back).error().message;
    EXPECT_EQ(encode_pprof(*back), wire) << "seed " << seed;
    EXPECT_EQ(encode_pprof(*decode_pprof(encode_pprof_gz(*back))), wire);
  }
}

TEST(Pprof, packs_numbers_from_three_on_as_go_does) {
  Profile p;
  p.sample_types.resize(1);
  for (uint64_t id : {7, 8, 9}) p.locations.push_back({.id = id});
  p.add_sample(std::vector<uint32_t>{0, 1}, {}, std::vector<int64_t>{5});
  p.add_sample(std::vector<uint32_t>{0, 1, 2}, {}, std::vector<int64_t>{0});
  std::string wire = encode_pprof(p);
  EXPECT_NE(wire.find(std::string("\x12\x06\x08\x07\x08\x08\x10\x05", 8)), std::string::npos);
  EXPECT_NE(wire.find(std::string("\x12\x07\x0a\x03\x07\x08\x09\x10\x00", 9)), std::string::npos);
  EXPECT_TRUE(wire.ends_with(std::string("\x70\x00", 2)));  // the default type is written even when it is none
}

TEST(Pprof, reads_zstd_and_gzip_of_several_members) {
  std::string wire = encode_pprof(testing::random_profile(7));
  std::string z(ZSTD_compressBound(wire.size()), '\0');
  z.resize(ZSTD_compress(z.data(), z.size(), wire.data(), wire.size(), 3));
  EXPECT_EQ(encode_pprof(*decode_pprof(z)), wire);
  std::string two = gzip(wire.substr(0, 100)) + gzip(wire.substr(100));
  auto r = decode_pprof(two);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(encode_pprof(*r), wire);
}

TEST(Pprof, keeps_totals_ids_and_order) {
  Profile p = testing::random_profile(3);
  auto back = decode_pprof(encode_pprof(p));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->values, p.values);
  ASSERT_EQ(back->locations.size(), p.locations.size());
  for (size_t i = 0; i < p.locations.size(); ++i) EXPECT_EQ(back->locations[i].id, p.locations[i].id);
  EXPECT_EQ(back->time_ns, p.time_ns);
}

TEST(Pprof, stops_at_the_first_empty_sample_of_a_bomb) {
  std::string bomb = gzip(small_header() + empty_samples(100'000'000));
  EXPECT_LT(bomb.size(), 110'000u);
  DecodeStats stats;
  std::string message;
  int64_t peak = peak_heap([&] {
    auto r = decode_pprof(bomb, {}, &stats);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, ErrorCode::kResourceExhausted);
    message = r.error().message;
  });
  EXPECT_LE(peak, 16 << 20);
  EXPECT_EQ(stats.elements, 0u);
  EXPECT_NE(message.find("inflate_ratio"), std::string::npos) << message;
}

TEST(Pprof, spends_little_on_four_mebibytes_of_empty_samples) {
  std::string bomb = gzip(small_header() + empty_samples((4 << 20) - 64));
  DecodeStats stats;
  int64_t peak = peak_heap([&] {
    auto r = decode_pprof(bomb, {}, &stats);
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().message.find("has no values"), std::string::npos) << r.error().message;
  });
  EXPECT_LE(peak, 16 << 20);
  EXPECT_LE(stats.elements, 10u);
}

TEST(Pprof, does_not_trust_the_size_a_gzip_trailer_states) {
  std::string bomb = gzip(small_header() + empty_samples(100'000'000));
  for (char byte : {'\0', '\1'}) {
    bomb[bomb.size() - 4] = '\0';
    bomb[bomb.size() - 3] = '\0';
    bomb[bomb.size() - 2] = byte;
    bomb[bomb.size() - 1] = '\0';
    int64_t peak = peak_heap([&] { EXPECT_NE(error_of(bomb).find("inflate_ratio"), std::string::npos); });
    EXPECT_LE(peak, 16 << 20);
  }
}

TEST(Pprof, names_each_limit_and_lets_it_be_raised) {
  std::string wire = encode_pprof(testing::random_profile(5));
  using Field = uint64_t DecodeLimits::*;
  const std::pair<Field, std::string> limits[] = {{&DecodeLimits::samples, "samples"},
                                                  {&DecodeLimits::locations, "locations"},
                                                  {&DecodeLimits::lines, "lines"},
                                                  {&DecodeLimits::functions, "functions"},
                                                  {&DecodeLimits::mappings, "mappings"},
                                                  {&DecodeLimits::strings, "strings"},
                                                  {&DecodeLimits::string_bytes, "string_bytes"},
                                                  {&DecodeLimits::frames, "frames"},
                                                  {&DecodeLimits::stack_depth, "stack_depth"},
                                                  {&DecodeLimits::labels, "labels"},
                                                  {&DecodeLimits::values, "values"},
                                                  {&DecodeLimits::labels_per_sample, "labels_per_sample"},
                                                  {&DecodeLimits::comments, "comments"},
                                                  {&DecodeLimits::sample_types, "sample_types"},
                                                  {&DecodeLimits::decompressed_bytes, "decompressed_bytes"}};
  for (const auto& [field, name] : limits) {
    DecodeLimits low;
    low.*field = 0;
    auto r = decode_pprof(wire, low);
    ASSERT_FALSE(r) << name;
    EXPECT_EQ(r.error().code, ErrorCode::kResourceExhausted) << name;
    EXPECT_NE(r.error().message.find("(limit " + name + ")"), std::string::npos) << r.error().message;
    low.*field = 1 << 20;
    EXPECT_TRUE(decode_pprof(wire, low)) << name;
  }
}

TEST(Pprof, stops_at_the_limit_of_lines_before_it_holds_more) {
  std::string location("\x08\x01", 2);
  for (int i = 0; i < 1'000'000; ++i) location.append("\x22\x04\x08\x01\x10\x01", 6);
  std::string wire = small_header() + '\x22';
  for (size_t n = location.size();; n >>= 7) {
    wire += static_cast<char>(n < 0x80 ? n : n | 0x80);
    if (n < 0x80) break;
  }
  wire += location;
  std::string message;
  int64_t peak = peak_heap([&] { message = error_of(wire, {.lines = 1000}); });
  EXPECT_NE(message.find("(limit lines)"), std::string::npos) << message;
  EXPECT_LE(peak, 4 << 20);
}

TEST(Pprof, says_what_other_bytes_look_like) {
  EXPECT_EQ(error_of(""), "empty body, not a profile");
  EXPECT_EQ(error_of("<!DOCTYPE html><html>"), "looks like HTML, not a profile");
  EXPECT_EQ(error_of("  \n<HTML lang=en>"), "looks like HTML, not a profile");
  EXPECT_EQ(error_of("{\"error\": 1}"), "looks like JSON, not a profile");
  EXPECT_EQ(error_of("404 page not found\n"), "looks like text, not a profile");
  EXPECT_EQ(error_of(gzip("<html>")), "looks like HTML, not a profile");
  EXPECT_EQ(error_of("PERFILE2........"), "looks like a perf.data file, not a profile");
}

TEST(Pprof, refuses_truncated_gzip) {
  std::string gz = encode_pprof_gz(testing::random_profile(1));
  for (size_t cut : {size_t{1}, gz.size() / 2, gz.size() - 12}) {
    EXPECT_EQ(error_of(gz.substr(0, gz.size() - cut)), "truncated gzip data");
  }
}

TEST(Pprof, refuses_concatenated_profiles) {
  std::string wire = encode_pprof(testing::random_profile(1));
  EXPECT_NE(error_of(wire + wire).find("concatenated profiles detected"), std::string::npos);
}

TEST(Pprof, refuses_indices_out_of_range) {
  std::string base = small_header();
  EXPECT_NE(error_of(base + std::string("\x12\x04\x08\x09\x10\x01", 6)).find("unknown location"), std::string::npos);
  EXPECT_NE(error_of(base + std::string("\x2a\x04\x08\x01\x10\x63", 6)).find("string index out of range"),
            std::string::npos);
  EXPECT_NE(error_of(base + std::string("\x22\x06\x08\x01\x22\x02\x08\x05", 8)).find("unknown function"),
            std::string::npos);
  EXPECT_NE(error_of(base + std::string("\x12\x08\x10\x01\x1a\x04\x08\x63\x10\x01", 10)).find("string index"),
            std::string::npos);
  EXPECT_NE(error_of(base + std::string("\x12\x02\x08\x01", 4)).find("has 0 values for 1 sample types"),
            std::string::npos);
  EXPECT_NE(error_of(base + std::string("\x12\x04\x10\x01\x10\x01", 6)).find("2 values for 1 sample types"),
            std::string::npos);
}

TEST(Pprof, survives_any_cut_and_any_flipped_byte) {
  std::string wire = encode_pprof(testing::random_profile(11, {.samples = 20}));
  for (size_t i = 0; i < wire.size(); ++i) {
    (void)decode_pprof(wire.substr(0, i));
    std::string flipped = wire;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    auto r = decode_pprof(flipped);
    if (r) EXPECT_TRUE(validate(*r)) << "byte " << i << ": " << validate(*r).error().message;
  }
}

TEST(Pprof, reads_varints_of_every_length_wherever_the_bytes_end) {
  std::mt19937_64 random(1);
  for (int bits = 0; bits <= 64; ++bits) {
    uint64_t value = bits == 0 ? 0 : (random() >> (64 - bits)) | uint64_t{1} << (bits - 1);
    std::string wire;
    for (uint64_t v = value;; v >>= 7) {
      wire += static_cast<char>(v < 0x80 ? v : v | 0x80);
      if (v < 0x80) break;
    }
    for (size_t behind = 0; behind < 12; ++behind) {
      std::string bytes = wire + std::string(behind, '\xff');
      const auto* p = reinterpret_cast<const uint8_t*>(bytes.data());
      uint64_t read = 0;
      EXPECT_EQ(wire::read_varint(p, p + bytes.size(), read), p + wire.size()) << value;
      EXPECT_EQ(read, value);
    }
    for (size_t cut = 0; cut < wire.size(); ++cut) {
      const auto* p = reinterpret_cast<const uint8_t*>(wire.data());
      uint64_t read = 0;
      EXPECT_EQ(wire::read_varint(p, p + cut, read), nullptr);
    }
  }
  std::string endless(16, '\x80');
  uint64_t read = 0;
  const auto* p = reinterpret_cast<const uint8_t*>(endless.data());
  EXPECT_EQ(wire::read_varint(p, p + endless.size(), read), nullptr);
}

TEST(Pprof, reads_as_many_samples_whether_their_stacks_repeat_or_not) {
  for (size_t locations : {3, 2000}) {
    testing::RandomProfileShape shape{.locations = locations, .samples = 60'000, .max_depth = 4};
    std::string wire = encode_pprof(testing::random_profile(9, shape));
    auto back = decode_pprof(wire);
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_TRUE(validate(*back)) << validate(*back).error().message;
    EXPECT_EQ(encode_pprof(*back), wire);
  }
}

/// Feeds `message` in pieces of random length.
Result<Profile> decode_in_random_pieces(std::string_view message, uint64_t seed, size_t most) {
  std::mt19937_64 random(seed);
  DecodeStats stats;
  DecodeLimits limits;
  MessageDecoder decoder(limits, stats, Tables::kDistinct, 0);
  size_t done = 0;
  for (size_t end = 0; end < message.size();) {
    end = std::min<size_t>(message.size(), end + 1 + random() % most);
    size_t read = 0;
    WF_TRY(decoder.read(message.substr(done, end - done), end == message.size(), read));
    done += read;
  }
  return decoder.finish();
}

TEST(Pprof, reads_the_same_from_pieces_of_any_length) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::string wire = encode_pprof(testing::random_profile(seed));
    for (size_t most : {1, 7, 300, 100'000}) {
      auto p = decode_in_random_pieces(wire, seed, most);
      ASSERT_TRUE(p) << p.error().message;
      EXPECT_EQ(encode_pprof(*p), wire);
    }
    EXPECT_EQ(decode_in_random_pieces(wire.substr(0, wire.size() - 3), seed, 100).error().message,
              "broken bytes in the profile (truncated?)");
  }
}

TEST(Pprof, inflates_on_a_second_thread_what_it_reads) {
  Profile p = testing::random_profile(4, {.samples = 30'000});
  p.comments.push_back(p.strings.intern(std::string(1'200'000, 'x')));  // longer than any piece
  std::string wire = encode_pprof(p);
  for (std::string gz : {gzip(wire), gzip(wire.substr(0, 500'000)) + gzip(wire.substr(500'000))}) {
    auto back = decode_pprof_in_pieces(gz);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(encode_pprof(*back), wire);
    auto error = [&](std::string_view bytes, const DecodeLimits& limits = {}) {
      auto r = decode_pprof_in_pieces(bytes, limits);
      return r ? "" : r.error().message;
    };
    EXPECT_EQ(error(gz.substr(0, gz.size() - 20)), "truncated gzip data");
    std::string flipped = gz;
    flipped[gz.size() - 6] = static_cast<char>(flipped[gz.size() - 6] ^ 1);  // of the checksum
    EXPECT_NE(error(flipped).find("broken gzip data"), std::string::npos);
    EXPECT_NE(error(gz, {.decompressed_bytes = 600'000}).find("limit decompressed_bytes"), std::string::npos);
    EXPECT_NE(error(gz, {.samples = 10}).find("limit samples"), std::string::npos);
  }
  std::string bomb = gzip(small_header() + empty_samples(100'000'000));
  int64_t peak = peak_heap([&] { EXPECT_FALSE(decode_pprof_in_pieces(bomb)); });
  EXPECT_LE(peak, 2 << 20);
  bomb = gzip(wire + std::string("\x7a\x80\x80\x80\x40", 5) + std::string(100'000'000, 'x'));
  EXPECT_NE(decode_pprof_in_pieces(bomb).error().message.find("limit decompressed_bytes"), std::string::npos);
}

TEST(Pprof, holds_the_same_limits_with_a_second_thread_as_without) {
  std::mt19937_64 random(1);
  std::string noise(200'000, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  Profile p = testing::random_profile(4);
  p.comments = {p.strings.intern(std::string(6'000'000, 'x'))};  // squeezed a thousand times, the rest hardly at all
  p.comments.push_back(p.strings.intern(noise));
  std::string gz = gzip(encode_pprof(p));
  auto error = [&](bool use_threads, const DecodeLimits& limits) {
    auto r = decode_any(gz, limits, {.use_threads = use_threads});
    return r ? "" : r.error().message;
  };
  for (const DecodeLimits& limits :
       {DecodeLimits{}, DecodeLimits{.compressed_bytes = 100'000}, DecodeLimits{.decompressed_bytes = 1'000'000},
        DecodeLimits{.inflate_ratio = 20}, DecodeLimits{.samples = 10}})
    EXPECT_EQ(error(true, limits), error(false, limits));
  EXPECT_EQ(error(true, {}), "");
  EXPECT_NE(error(true, {.compressed_bytes = 100'000}).find("limit compressed_bytes"), std::string::npos);
}

TEST(Pprof, reads_large_files_also_when_no_thread_can_be_had) {
  std::string wire = encode_pprof(testing::random_profile(4, {.samples = 60'000}));
  ASSERT_GT(wire.size(), size_t{1} << 20);
  pthread_attr_t usual;
  pthread_attr_t huge;
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  ASSERT_EQ(pthread_getattr_default_np(&huge), 0);
  pthread_attr_setstacksize(&huge, size_t{1} << 50);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  auto p = decode_any(gzip(wire), {}, {.use_threads = true});
  pthread_setattr_default_np(&usual);
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ(encode_pprof(*p), wire);
}

TEST(Pprof, gives_up_at_once_on_a_field_that_more_bytes_cannot_mend) {
  std::string wire = small_header();
  for (const std::string& field :
       {std::string(11, '\xff'), "\x48" + std::string(11, '\xff'), "\x32" + std::string(11, '\xff')}) {
    DecodeStats stats;
    DecodeLimits limits;
    MessageDecoder decoder(limits, stats, Tables::kDistinct, 0);
    size_t read = 0;
    EXPECT_TRUE(decoder.read(wire + field.substr(0, 9), false, read));
    EXPECT_EQ(read, wire.size());
    EXPECT_FALSE(decoder.read(field, false, read));
  }
}

TEST(Pprof, takes_sample_types_before_and_after_the_samples) {
  std::string type("\x0a\x04\x08\x01\x10\x02", 6);
  std::string strings = small_header().substr(6);
  std::string sample("\x12\x04\x12\x02\x07\x08", 6);
  for (const std::string& wire : {type + type + sample, type + sample + type, sample + type + type}) {
    auto p = decode_pprof(wire + strings);
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->values, (std::vector<std::vector<int64_t>>{{7}, {8}}));
  }
  EXPECT_EQ(error_of(sample + type + strings), "sample 0 has 2 values for 1 sample types");
  EXPECT_EQ(error_of(type + sample + strings), "sample 0 has 2 values for 1 sample types");
}

TEST(Pprof, counts_the_bytes_of_what_it_refuses) {
  std::string wire = small_header() + empty_samples(2);
  DecodeStats stats;
  ASSERT_FALSE(decode_pprof(wire, {}, &stats));
  EXPECT_EQ(stats.decompressed_bytes, wire.size());
}

TEST(Pprof, says_what_bytes_are_that_only_happen_to_have_fields) {
  EXPECT_EQ(error_of("xyxyxyxy"), "looks like text, not a profile");
}

TEST(Pprof, merges_tables_as_they_stand_on_the_wire_like_distinct_ones) {
  std::string repeats = small_header() +
                        std::string(
                            "\x32\x01"
                            "f"
                            "\x32\x01"
                            "f"
                            "\x32\x00",
                            8) +
                        std::string("\x2a\x04\x08\x01\x10\x03\x2a\x04\x08\x02\x10\x04", 12) +
                        std::string("\x22\x06\x08\x01\x22\x02\x08\x01\x22\x06\x08\x02\x22\x02\x08\x02", 16) +
                        std::string("\x12\x05\x0a\x01\x01\x10\x01\x12\x05\x0a\x01\x02\x10\x02", 14);
  std::vector<std::string> wires = {repeats};
  for (uint64_t seed = 1; seed <= 30; ++seed) wires.push_back(encode_pprof(testing::random_profile(seed % 7)));
  profile::Merger distinct;
  profile::Merger as_on_wire;
  ASSERT_TRUE(distinct.add(*decode_pprof(repeats)) &&
              as_on_wire.add(*decode_pprof(repeats, {}, nullptr, Tables::kAsOnWire)));
  std::string merged = encode_pprof(distinct.finish());
  EXPECT_EQ(encode_pprof(as_on_wire.finish()), merged);
  EXPECT_EQ(decode_pprof(merged)->sample_count(), 1u);  // both functions are called f
  for (const std::string& wire : wires) {
    if (&wire == &wires[0]) continue;
    ASSERT_TRUE(distinct.add(*decode_pprof(wire)));
    ASSERT_TRUE(as_on_wire.add(*decode_pprof(wire, {}, nullptr, Tables::kAsOnWire)));
  }
  EXPECT_EQ(encode_pprof(as_on_wire.finish()), encode_pprof(distinct.finish()));
}

}  // namespace
}  // namespace watchfire::converters
