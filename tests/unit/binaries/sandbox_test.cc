#include "binaries/service/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "base/bytes.h"
#include "base/counters.h"
#include "binaries/service/parse_service.h"
#include "tests/support/temp_dir.h"

namespace watchfire::binaries {
namespace {

std::vector<std::byte> to_bytes(std::string_view text) {
  auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

SandboxedWork::Outcome run(const SandboxedWork::Work& work, SandboxLimits limits = {}, int keep = -1) {
  auto started = SandboxedWork::start(work, keep, limits);
  EXPECT_TRUE(started);
  for (;;) {
    pollfd fd{started->fd(), POLLIN, 0};
    ::poll(&fd, 1, 20);
    if (auto outcome = started->advance(boot_ns())) return *std::move(outcome);
  }
}

std::string_view death(const SandboxedWork::Work& work, SandboxLimits limits = {}) {
  auto outcome = run(work, limits);
  EXPECT_FALSE(outcome.done);
  return outcome.reason;
}

TEST(Sandbox, work_comes_back_whole) {
  std::string large(3'000'000, 'x');
  auto outcome = run([&] { return to_bytes(large); });
  ASSERT_TRUE(outcome.done) << outcome.reason;
  EXPECT_EQ(as_text(outcome.answer), large);
  EXPECT_TRUE(run([] { return std::vector<std::byte>(); }).done);
}

TEST(Sandbox, the_file_given_can_be_read) {
  auto memfd = sealed_memfd("x", as_bytes("inside"));
  int fd = memfd->get();
  auto outcome = run(
      [fd] {
        char text[6];
        return ::pread(fd, text, 6, 0) == 6 ? to_bytes({text, 6}) : to_bytes("");
      },
      {}, fd);
  EXPECT_EQ(as_text(outcome.answer), "inside");
}

TEST(Sandbox, a_worker_that_makes_a_socket_dies_alone) {
  EXPECT_EQ(death([] { return ::socket(AF_INET, SOCK_STREAM, 0), to_bytes("alive"); }), "system_call");
}

TEST(Sandbox, a_worker_that_opens_a_file_dies_alone) {
  EXPECT_EQ(death([] { return ::open("/etc/passwd", O_RDONLY), to_bytes("alive"); }), "system_call");
}

TEST(Sandbox, a_worker_that_starts_a_program_or_process_dies_alone) {
  EXPECT_EQ(death([] { return ::fork(), to_bytes("alive"); }), "system_call");
  EXPECT_EQ(death([] {
              char name[] = "/bin/true";
              char* argv[] = {name, nullptr};
              return ::execv(name, argv), to_bytes("alive");
            }),
            "system_call");
}

TEST(Sandbox, a_worker_that_takes_a_gigabyte_dies_alone) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "the sanitizer's allocator reports by itself";
#endif
  EXPECT_EQ(death([] {
              std::vector<std::vector<std::byte>> taken;
              for (int i = 0; i < 1024; ++i) taken.emplace_back(1u << 20);
              return to_bytes(std::to_string(taken.size()));
            }),
            "memory");
}

TEST(Sandbox, a_worker_that_does_not_end_dies_of_its_cpu_time) {
  EXPECT_EQ(death(
                [] {
                  for (volatile uint64_t i = 0;; i = i + 1) {
                  }
                  return to_bytes("");
                },
                {.cpu_seconds = 1, .wall = kMinute}),
            "cpu_time");
}

TEST(Sandbox, a_worker_that_waits_dies_of_the_wall_clock) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto started = SandboxedWork::start(
      [&] {
        char c;
        return ::read(ends[0], &c, 1), to_bytes("");
      },
      ends[0], {.wall = 50 * kMillisecond});
  ASSERT_TRUE(started);
  ::usleep(20'000);
  EXPECT_FALSE(started->advance(boot_ns()));
  ::usleep(60'000);
  auto outcome = started->advance(boot_ns());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->reason, "wall_clock");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Sandbox, a_worker_that_crashes_or_talks_too_much_is_told_apart) {
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
  EXPECT_EQ(death([] { return *static_cast<volatile int*>(nullptr) = 1, to_bytes(""); }), "crash");
#endif
  EXPECT_EQ(death([] { return std::vector<std::byte>(10'000); }, {.answer_bytes = 5'000}), "answer_too_long");
  EXPECT_EQ(death([]() -> std::vector<std::byte> { ::_exit(0); }), "bad_answer");
}

TEST(Sandbox, a_running_worker_is_ended_with_its_owner) {
  size_t children = 0;
  {
    auto started = SandboxedWork::start(
        [] {
          for (;;);
          return to_bytes("");
        },
        -1, {});
    ASSERT_TRUE(started);
    ++children;
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child is left";
  EXPECT_EQ(children, 1u);
}

struct ServiceTest : ::testing::Test {
  test::TempDir dir;
  std::string path = dir.path() + "/p.sock";
  Fd stop{::eventfd(0, 0)};

  Result<WireMessage> ask(ParseService& service, WireChannel& channel, WireType type, std::span<const std::byte> bytes,
                          const std::string& file) {
    auto fd = open_file(file, O_RDONLY);
    int raw = fd->get();
    WF_TRY(channel.send(type, bytes, std::span(&raw, 1)));
    for (int i = 0; i < 500; ++i) {
      service.poll_once(stop.get(), 10);
      WF_ASSIGN(auto message, channel.receive(0));
      if (message) return std::move(*message);
    }
    return fail(ErrorCode::kCancelled, "no answer");
  }
  Result<WireChannel> connect(ParseService& service) {
    Result<WireChannel> channel = fail(ErrorCode::kInternal, "");
    std::thread thread([&] { channel = WireChannel::connect(path, WireRole::kCollector, WireRole::kParser); });
    for (int i = 0; i < 20; ++i) service.poll_once(stop.get(), 10);
    thread.join();
    return channel;
  }
};

TEST_F(ServiceTest, inspects_and_names) {
  ParseService service(*WireListener::listen(path, 0600), {});
  auto channel = connect(service);
  ASSERT_TRUE(channel);
  auto message = ask(service, *channel, WireType::kInspect, encode_inspect_request({.request = 5}), "/proc/self/exe");
  ASSERT_TRUE(message) << message.error().text();
  auto facts = decode_file_facts(message->bytes);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->request, 5u);
  EXPECT_EQ(facts->is_elf, 1u);
  EXPECT_FALSE(facts->segments.empty());

  message =
      ask(service, *channel, WireType::kWantedSymbols, encode_wanted_symbols({6, "id", {1, 2}}), "/proc/self/exe");
  ASSERT_TRUE(message);
  auto symbols = decode_symbols_answer(message->bytes);
  ASSERT_TRUE(symbols);
  EXPECT_EQ(symbols->request, 6u);
  EXPECT_EQ(symbols->file_id, "id");
  EXPECT_EQ(symbols->symbols.size(), 2u);

  message = ask(service, *channel, WireType::kInspect, encode_inspect_request({.request = 7}), "/etc/passwd");
  ASSERT_TRUE(message);
  EXPECT_EQ(decode_file_facts(message->bytes)->is_elf, 0u);
}

TEST_F(ServiceTest, a_file_that_killed_its_worker_is_quarantined) {
  ParseService service(*WireListener::listen(path, 0600), {.answer_bytes = 4});
  auto channel = connect(service);
  ASSERT_TRUE(channel);
  auto& died = Counters::instance().get("parser_workers_died_total", "answer_too_long");
  auto before = died.value();
  for (uint64_t i = 0; i < 2; ++i) {
    auto message = ask(service, *channel, WireType::kInspect, encode_inspect_request({.request = i}), "/proc/self/exe");
    ASSERT_TRUE(message);
    auto facts = decode_file_facts(message->bytes);
    EXPECT_EQ(facts->is_elf, 0u);
    EXPECT_EQ(facts->reason, "answer_too_long");
    EXPECT_EQ(facts->request, i);
  }
  EXPECT_EQ(died.value(), before + 1) << "the second time nobody reads it";
}

TEST_F(ServiceTest, what_is_no_regular_file_is_refused_without_a_worker) {
  ParseService service(*WireListener::listen(path, 0600), {});
  auto channel = connect(service);
  auto message = ask(service, *channel, WireType::kInspect, encode_inspect_request({.request = 1}), "/dev/zero");
  ASSERT_TRUE(message);
  EXPECT_EQ(decode_file_facts(message->bytes)->reason, "not_regular");
}

TEST_F(ServiceTest, a_peer_that_breaks_the_protocol_loses_its_channel) {
  ParseService service(*WireListener::listen(path, 0600), {});
  auto channel = connect(service);
  ASSERT_TRUE(channel->send(WireType::kWindow, as_bytes("x")));
  service.poll_once(stop.get(), 10);
  auto message = channel->receive(kSecond);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, ErrorCode::kUnavailable);
}

TEST(RestrictParent, leaves_what_it_needs_and_refuses_the_rest) {
  pid_t child = ::fork();
  if (child == 0) {
    if (!restrict_parent()) ::_exit(10);
    if (::socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM) ::_exit(11);
    if (::open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM) ::_exit(12);
    auto outcome = run([] { return to_bytes("still works"); });
    ::_exit(outcome.done && as_text(outcome.answer) == "still works" ? 0 : 13);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace watchfire::binaries
