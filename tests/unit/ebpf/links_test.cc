// The collector's line to the daemon against the daemon's receiver, without eBPF.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "collectors/ebpf/bpf_sampler.h"
#include "collectors/ebpf/daemon_link.h"
#include "collectors/ebpf/kernel_symbols.h"
#include "collectors/ebpf/receiver/receiver.h"
#include "tests/support/temp_dir.h"

namespace watchfire::collectors::ebpf {
namespace {

RawWindow make_window(uint64_t sequence) {
  RawWindow w;
  w.session = 1;
  w.sequence = sequence;
  w.stack_ends = {0};
  return w;
}

struct LinkTest : ::testing::Test {
  test::TempDir dir;
  std::string path = dir.path() + "/c.sock";
  std::vector<uint64_t> got;
  bool safe = true;
  std::vector<std::string> wanted;

  Result<Receiver> make_receiver() {
    return Receiver::create({.socket_path = path, .allowed_uids = {}}, {[this](RawWindow&& w) {
                                                                          got.push_back(w.sequence);
                                                                          return safe;
                                                                        },
                                                                        nullptr, nullptr, nullptr});
  }
  /// Both sides until nothing happens any more.
  void settle(Receiver& receiver, DaemonLink& link) {
    for (int i = 0; i < 10; ++i) {
      receiver.poll(5);
      if (link.connected()) link.receive();
    }
  }
  void connect(Receiver& receiver, DaemonLink& link, DurationNs now) {
    std::thread thread([&] { link.keep_connected(now); });
    for (int i = 0; i < 100 && !receiver.connected(); ++i) receiver.poll(10);
    thread.join();
  }
};

TEST_F(LinkTest, windows_arrive_in_order_and_are_forgotten_when_acknowledged) {
  auto receiver = make_receiver();
  DaemonLink link(path, nullptr);
  connect(*receiver, link, kSecond);
  ASSERT_TRUE(link.connected());
  for (uint64_t i = 1; i <= 3; ++i) link.add_window(make_window(i), kSecond);
  settle(*receiver, link);
  EXPECT_EQ(got, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(link.waiting(), 0u);
}

TEST_F(LinkTest, what_was_not_acknowledged_comes_again_after_a_restart_of_the_daemon) {
  safe = false;
  DaemonLink link(path, nullptr);
  {
    auto receiver = make_receiver();
    connect(*receiver, link, kSecond);
    link.add_window(make_window(1), kSecond);
    settle(*receiver, link);
    EXPECT_EQ(link.waiting(), 1u);
  }
  for (int i = 0; i < 3 && link.connected(); ++i) link.receive();
  EXPECT_FALSE(link.connected());
  link.add_window(make_window(2), kSecond);
  safe = true;
  auto receiver = make_receiver();
  connect(*receiver, link, 100 * kSecond);
  settle(*receiver, link);
  EXPECT_EQ(got, (std::vector<uint64_t>{1, 1, 2}));
  EXPECT_EQ(link.waiting(), 0u);
}

TEST_F(LinkTest, a_window_acknowledged_later_is_kept_until_then) {
  safe = false;
  auto receiver = make_receiver();
  DaemonLink link(path, nullptr);
  connect(*receiver, link, kSecond);
  link.add_window(make_window(1), kSecond);
  settle(*receiver, link);
  EXPECT_EQ(link.waiting(), 1u);
  receiver->acknowledge({1, 1});
  settle(*receiver, link);
  EXPECT_EQ(link.waiting(), 0u);
}

TEST_F(LinkTest, while_the_daemon_is_away_a_minute_is_kept_and_the_oldest_goes_first) {
  DaemonLink link(path, nullptr);
  for (uint64_t i = 1; i <= 20; ++i) link.add_window(make_window(i), static_cast<DurationNs>(i) * 10 * kSecond);
  EXPECT_GE(link.waiting(), 7u);
  EXPECT_LE(link.waiting(), 8u);
  auto receiver = make_receiver();
  connect(*receiver, link, 300 * kSecond);
  settle(*receiver, link);
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.front(), 13u);
  EXPECT_EQ(got.back(), 20u);
}

TEST_F(LinkTest, wanted_symbols_reach_the_collector) {
  auto receiver = make_receiver();
  DaemonLink link(path, [this](WantedSymbols w) { wanted.push_back(w.file_id); });
  EXPECT_FALSE(receiver->want_symbols({1, "early", {}}));
  connect(*receiver, link, kSecond);
  EXPECT_TRUE(receiver->want_symbols({1, "abc", {1, 2}}));
  settle(*receiver, link);
  EXPECT_EQ(wanted, std::vector<std::string>{"abc"});
}

TEST(KernelSymbols, are_found_relative_to_the_kernel_or_module) {
  auto symbols = KernelSymbols::parse(
      "ffffffff81000000 T _text\n"
      "ffffffff81000100 T schedule\n"
      "ffffffff81000100 t schedule_alias\n"
      "ffffffff81000180 d a_datum\n"
      "ffffffff81000200 t idle\n"
      "ffffffffc0001000 t start\t[ext4]\n"
      "ffffffffc0001100 t write\t[ext4]\n",
      "6.1");
  ASSERT_TRUE(symbols);
  auto found = symbols->find(0xffffffff81000190);
  EXPECT_EQ(found.name, "schedule");
  EXPECT_EQ(found.address, 0x190u);
  EXPECT_EQ(found.file->fallback_id, "kernel:6.1");
  found = symbols->find(0xffffffffc0001110);
  EXPECT_EQ(found.name, "write");
  EXPECT_EQ(found.address, 0x110u);
  EXPECT_EQ(found.file->path, "[kernel:ext4]");
  EXPECT_EQ(symbols->find(0x10).name, "");
}

TEST(KernelSymbols, hidden_addresses_are_told_with_the_right_that_is_missing) {
  auto symbols = KernelSymbols::parse("0000000000000000 T _text\n0000000000000000 T schedule\n", "6.1");
  ASSERT_FALSE(symbols);
  EXPECT_EQ(symbols.error().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(symbols.error().hint.find("CAP_SYSLOG"), std::string::npos);
}

TEST(DangerousKernel, knows_the_releases_without_the_fix) {
  for (const char* bad : {"5.19.0", "6.0.12-generic", "6.1.25-37.amzn2023.x86_64", "6.2.0", "6.3.9"})
    EXPECT_TRUE(is_dangerous_kernel(bad)) << bad;
  for (const char* good : {"5.15.0", "6.1.36", "6.1.0.x", "6.3.10", "6.4.0", "6.18.44", "7.1.2", "garbage"})
    EXPECT_EQ(is_dangerous_kernel(good), std::string(good) == "6.1.0.x") << good;
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
