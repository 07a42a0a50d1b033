#include "base/window.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/listeners.h"
#include "base/symbols_message.h"

namespace watchfire {
namespace {

RawWindow make_window() {
  RawWindow w;
  w.session = 77;
  w.sequence = 3;
  w.start_ns = 10 * kSecond;
  w.end_ns = 20 * kSecond;
  w.boot_to_unix_ns = -5;
  w.sample_hz = 19;
  w.cpus = 2;
  w.period_ns = 52'631'578;
  w.expected_samples = 12;
  w.idle_samples = 5;
  w.lost = {{"ring_full", 1}, {"window_full", 1}};
  w.processes.push_back({.pid = 42,
                         .exec_id = 3,
                         .start_boot_ns = 123,
                         .comm = "api",
                         .exe = "api-server",
                         .cgroup = "/system.slice/api.service",
                         .unit = "api.service",
                         .container_id = std::string(64, 'a'),
                         .pod_uid = "p",
                         .pid_namespace = 4026531836,
                         .kernel_thread = 0,
                         .executable = 1});
  w.files.push_back({"kernel:6.1", "[kernel]", "", WindowFileKind::kKernel, 0});
  w.files.push_back({"abcd", "/usr/bin/api", "abcd", WindowFileKind::kElf, 1});
  w.names = {"", "api-worker", "schedule"};
  w.frames = {{0x10, 0, 2}, {0x1234, 1, kNoIndex}};
  w.stack_frames = {0, 1, 1};
  w.stack_ends = {0, 2, 3};
  w.samples.push_back({.process = 0,
                       .tid = 43,
                       .thread_name = 1,
                       .stack = 1,
                       .count = 2,
                       .end = StackEnd::kEndOfChain,
                       .weight_ns = 100});
  w.samples.push_back({.process = 0,
                       .tid = 42,
                       .thread_name = kNoIndex,
                       .stack = 2,
                       .count = 3,
                       .end = StackEnd::kFault,
                       .weight_ns = 7});
  return w;
}

TEST(RawWindow, comes_back_as_it_went) {
  auto bytes = encode_window(make_window());
  auto back = decode_window(bytes);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(encode_window(*back), bytes);
  EXPECT_EQ(back->processes[0].unit, "api.service");
  EXPECT_EQ(back->files[1].deleted, 1u);
  EXPECT_EQ(back->stored_samples(), 5u);
  EXPECT_EQ(back->lost_samples(), 2u);
  EXPECT_EQ(back->stack(1).size(), 2u);
  EXPECT_EQ(back->stack(2)[0], 1u);
  EXPECT_TRUE(back->stack(0).empty());
}

TEST(RawWindow, every_cut_is_refused) {
  auto bytes = encode_window(make_window());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_window(std::span(bytes).first(n))) << n;
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode_window(bytes));
}

void expect_refused(const char* what, void (*spoil)(RawWindow&)) {
  RawWindow w = make_window();
  spoil(w);
  auto back = decode_window(encode_window(w));
  ASSERT_FALSE(back) << what;
  EXPECT_EQ(back.error().code, ErrorCode::kCorrupt);
}

TEST(RawWindow, indices_outside_their_tables_are_refused) {
  expect_refused("executable", [](RawWindow& w) { w.processes[0].executable = 2; });
  expect_refused("frame file", [](RawWindow& w) { w.frames[0].file = 2; });
  expect_refused("frame name", [](RawWindow& w) { w.frames[0].name = 3; });
  expect_refused("stack frame", [](RawWindow& w) { w.stack_frames[2] = 2; });
  expect_refused("stack end backwards", [](RawWindow& w) { w.stack_ends = {0, 3, 2}; });
  expect_refused("stack end behind", [](RawWindow& w) { w.stack_ends = {0, 2, 4}; });
  expect_refused("left over frames", [](RawWindow& w) { w.stack_ends = {0, 2, 2}; });
  expect_refused("sample process", [](RawWindow& w) { w.samples[0].process = 1; });
  expect_refused("sample stack", [](RawWindow& w) { w.samples[0].stack = 3; });
  expect_refused("sample thread", [](RawWindow& w) { w.samples[0].thread_name = 3; });
  expect_refused("sample end", [](RawWindow& w) { w.samples[0].end = static_cast<StackEnd>(6); });
}

TEST(RawWindow, values_that_cannot_be_are_refused) {
  expect_refused("negative weight", [](RawWindow& w) { w.samples[0].weight_ns = -1; });
  expect_refused("ends before it starts", [](RawWindow& w) { w.end_ns = w.start_ns - 1; });
  expect_refused("file kind", [](RawWindow& w) { w.files[0].kind = static_cast<WindowFileKind>(6); });
  expect_refused("more than expected", [](RawWindow& w) { w.samples[0].count = 100; });
  expect_refused("a name without end", [](RawWindow& w) { w.names[1] = std::string(100'000, 'x'); });
}

TEST(RawWindow, times_and_weights_that_overflow_when_added_are_refused) {
  auto refused = [](auto change) {
    RawWindow w = make_window();
    change(w);
    return !decode_window(encode_window(w));
  };
  EXPECT_TRUE(refused([](RawWindow& w) { w.end_ns = INT64_MAX; }));
  EXPECT_TRUE(refused([](RawWindow& w) { w.boot_to_unix_ns = INT64_MIN; }));
  EXPECT_TRUE(refused([](RawWindow& w) { w.processes[0].start_boot_ns = INT64_MAX; }));
  EXPECT_TRUE(refused([](RawWindow& w) { w.samples[0].weight_ns = w.samples[1].weight_ns = INT64_MAX; }));
}

TEST(RawWindow, random_damage_never_gets_through_unchecked) {
  auto bytes = encode_window(make_window());
  std::mt19937 random(1);
  for (int i = 0; i < 50'000; ++i) {
    auto copy = bytes;
    for (int k = 0; k < 3; ++k) copy[random() % copy.size()] = static_cast<std::byte>(random());
    auto back = decode_window(copy);
    if (!back) continue;
    for (const auto& s : back->samples)
      for (uint32_t frame : back->stack(s.stack)) ASSERT_LT(back->frames.at(frame).file, back->files.size());
  }
}

TEST(RawWindow, a_count_that_lies_allocates_nothing) {
  auto bytes = encode_window(make_window());
  // The number of processes: behind 6 u64, 2 u32, 2 u64 and the reasons.
  size_t at = 6 * 8 + 2 * 4 + 2 * 8 + 4 + (4 + 9 + 8) + (4 + 11 + 8);
  uint32_t one = 0;
  std::memcpy(&one, bytes.data() + at, 4);
  ASSERT_EQ(one, 1u);
  uint32_t lie = 131'072;
  std::memcpy(bytes.data() + at, &lie, 4);
  EXPECT_FALSE(decode_window(bytes));
}

TEST(WindowAck, comes_back_as_it_went) {
  auto bytes = encode_window_ack({5, 6});
  auto back = decode_window_ack(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->session, 5u);
  EXPECT_EQ(back->sequence, 6u);
  EXPECT_FALSE(decode_window_ack(std::span(bytes).first(15)));
}

TEST(ListenersMessage, comes_back_as_it_went_and_every_cut_is_refused) {
  ListenersMessage m{.listeners = {{.pid = 1,
                                    .start_boot_ns = 2,
                                    .address = "::1",
                                    .port = 6060,
                                    .has_pprof_handlers = 1,
                                    .net_namespace = 9,
                                    .own_namespace = 1,
                                    .comm = "a",
                                    .exe = "b",
                                    .unit = "c",
                                    .container_id = "d"}},
                     .truncated = 1};
  auto bytes = encode_listeners(m);
  auto back = decode_listeners(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_listeners(*back), bytes);
  EXPECT_EQ(back->listeners[0].port, 6060u);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_listeners(std::span(bytes).first(n))) << n;
  m.listeners[0].port = 70'000;
  EXPECT_FALSE(decode_listeners(encode_listeners(m)));
}

TEST(SymbolsMessages, come_back_as_they_went_and_every_cut_is_refused) {
  WantedSymbols wanted{.request = 9, .file_id = "abc", .addresses = {1, 2, 3}};
  auto wanted_bytes = encode_wanted_symbols(wanted);
  auto wanted_back = decode_wanted_symbols(wanted_bytes);
  ASSERT_TRUE(wanted_back);
  EXPECT_EQ(wanted_back->addresses, wanted.addresses);
  for (size_t n = 0; n < wanted_bytes.size(); ++n)
    EXPECT_FALSE(decode_wanted_symbols(std::span(wanted_bytes).first(n))) << n;

  SymbolsAnswer answer{.request = 9, .outcome = SymbolsOutcome::kDone, .file_id = "abc"};
  answer.symbols.push_back({.address = 1, .lines = {{"f()", "_Z1fv", "f.cc", 3, 1}, {"main", "main", "", 0, 0}}});
  answer.symbols.push_back({.address = 2, .lines = {}});
  auto bytes = encode_symbols_answer(answer);
  auto back = decode_symbols_answer(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_symbols_answer(*back), bytes);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_symbols_answer(std::span(bytes).first(n))) << n;

  FileFacts facts{.request = 4, .is_elf = 1, .file_id = "ab", .build_id = "ab", .segments = {{1, 2, 3}}};
  auto facts_bytes = encode_file_facts(facts);
  auto facts_back = decode_file_facts(facts_bytes);
  ASSERT_TRUE(facts_back);
  EXPECT_EQ(facts_back->segments[0].address, 3u);
  for (size_t n = 0; n < facts_bytes.size(); ++n) EXPECT_FALSE(decode_file_facts(std::span(facts_bytes).first(n)));
}

TEST(RawWindow, reasons_from_a_peer_are_of_a_closed_set) {
  EXPECT_EQ(known_loss_reason("timer_late"), "timer_late");
  EXPECT_EQ(known_loss_reason("a text of the peer's own"), "other");
}

}  // namespace
}  // namespace watchfire
