#include "converters/window/window_profiles.h"

#include <gtest/gtest.h>

namespace watchfire::converters {
namespace {

// Two processes of one unit, one of another; kernel and user frames; one cut stack.
RawWindow window() {
  RawWindow w;
  w.start_ns = 1'800'000'000 * kSecond;
  w.end_ns = w.start_ns + 10 * kSecond;
  w.boot_to_unix_ns = 1'700'000'000 * kSecond;
  w.period_ns = 52'631'578;
  w.names = {"", "worker", "do_syscall_64"};
  w.files = {{"kernel:6.1", "[kernel]", "", WindowFileKind::kKernel, 0},
             {"abc1", "/usr/bin/api", "abc1", WindowFileKind::kElf, 0},
             {"[anon]", "[anon]", "", WindowFileKind::kAnonymous, 0}};
  w.frames = {{0x10, 0, 2}, {0x4010, 1, kNoIndex}, {0x4020, 1, kNoIndex}, {0x7f00, 2, kNoIndex}};
  w.stack_frames = {0, 1, 2, 1, 2, 3};
  w.stack_ends = {3, 5, 6};  // kernel+user, user, JIT
  for (uint32_t pid : {10u, 11u}) {
    WindowProcess p;
    p.pid = pid;
    p.start_boot_ns = pid * kSecond;
    p.comm = p.exe = "api";
    p.unit = "api.service";
    p.executable = 1;
    w.processes.push_back(p);
  }
  WindowProcess other;
  other.pid = 12;
  other.comm = other.exe = "node";
  w.processes.push_back(other);
  w.samples = {{.process = 0,
                .tid = 10,
                .thread_name = 1,
                .stack = 0,
                .count = 3,
                .end = StackEnd::kEndOfChain,
                .weight_ns = 150},
               {.process = 1,
                .tid = 11,
                .thread_name = 1,
                .stack = 1,
                .count = 2,
                .end = StackEnd::kBadFramePointer,
                .weight_ns = 100},
               {.process = 2,
                .tid = 12,
                .thread_name = 1,
                .stack = 2,
                .count = 1,
                .end = StackEnd::kEndOfChain,
                .weight_ns = 50}};
  return w;
}

const profile::LabelledProfile* of_service(const WindowProfiles& w, std::string_view service) {
  for (const auto& p : w.profiles)
    if (label_or_empty(p.labels, "service_name") == service) return &p;
  return nullptr;
}

std::string label(const profile::Profile& p, size_t sample, std::string_view key) {
  for (const profile::Label& l : p.label_sets[p.sample_label_sets[sample]])
    if (p.text(l.key) == key) return l.is_number ? std::to_string(l.num) : std::string(p.text(l.str));
  return "";
}

TEST(WindowProfiles, one_profile_a_service_with_all_samples_and_their_weights) {
  WindowProfiles out = window_profiles(window(), "host1");
  ASSERT_EQ(out.profiles.size(), 2u);
  const auto* api = of_service(out, "api");
  ASSERT_TRUE(api);
  const profile::Profile& p = *api->profile;
  EXPECT_TRUE(profile::validate(p));
  EXPECT_EQ(api->labels.at("unit"), "api.service");
  EXPECT_EQ(api->labels.at("source"), "ebpf");
  EXPECT_EQ(api->labels.at("host"), "host1");
  EXPECT_EQ(api->range.length(), 10 * kSecond);
  ASSERT_EQ(p.sample_count(), 2u);
  EXPECT_EQ(p.values[0], (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(p.values[1], (std::vector<int64_t>{150, 100}));
  EXPECT_EQ(p.text(p.mappings.at(0).file), "/usr/bin/api") << "the main binary comes first";
}

TEST(WindowProfiles, processes_of_a_service_stay_apart_by_pid_and_start) {
  const WindowProfiles out = window_profiles(window(), "h");
  const profile::Profile& p = *of_service(out, "api")->profile;
  EXPECT_EQ(label(p, 0, "pid"), "10");
  EXPECT_EQ(label(p, 1, "pid"), "11");
  EXPECT_EQ(label(p, 0, "process_start"), std::to_string(1'700'000'010));
  EXPECT_EQ(label(p, 0, "thread"), "worker");
}

TEST(WindowProfiles, cut_stacks_say_why_and_whole_ones_say_nothing) {
  const WindowProfiles out = window_profiles(window(), "h");
  const profile::Profile& p = *of_service(out, "api")->profile;
  EXPECT_EQ(label(p, 0, "truncated"), "");
  EXPECT_EQ(label(p, 1, "truncated"), stack_end_name(StackEnd::kBadFramePointer));
}

TEST(WindowProfiles, kernel_frames_are_named_and_only_unnamed_elf_addresses_are_asked_for) {
  WindowProfiles out = window_profiles(window(), "h");
  ASSERT_EQ(out.unnamed.size(), 1u);
  EXPECT_EQ(out.unnamed.at("abc1"), (std::vector<uint64_t>{0x4010, 0x4020}));
  const profile::Profile& p = *of_service(out, "api")->profile;
  const profile::Location& leaf = p.locations[p.stacks[p.sample_stacks[0]].front()];
  ASSERT_EQ(leaf.line_count, 1u);
  EXPECT_EQ(p.text(p.functions[p.lines[leaf.first_line].function].name), "do_syscall_64");
}

TEST(WindowProfiles, the_service_is_the_unit_then_the_container_then_the_program) {
  WindowProcess p;
  p.comm = "python3";
  p.exe = "python3.11";
  EXPECT_EQ(service_name_of(p), "python3.11");
  p.container_id = std::string(64, 'a');
  EXPECT_EQ(service_name_of(p), "python3.11@aaaaaaaaaaaa");
  p.unit = "billing.service";
  EXPECT_EQ(service_name_of(p), "billing");
  p.unit = "user@1000.service";
  EXPECT_EQ(service_name_of(p), "python3.11@aaaaaaaaaaaa") << "a user manager holds anything";
  p.kernel_thread = 1;
  EXPECT_EQ(service_name_of(p), "kernel");
}

}  // namespace
}  // namespace watchfire::converters
