// The collector, the parser and the daemon's receiver together, on the real kernel and on programs of known shape.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/window.h"
#include "binaries/service/parse_service.h"
#include "collectors/ebpf/collector.h"
#include "collectors/ebpf/receiver/receiver.h"

namespace watchfire::collectors::ebpf {
namespace {

/// A directory for sockets, gone at the end.
struct TempDir {
  TempDir() {
    char name[] = "/tmp/watchfire_test_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { ::rmdir(path.c_str()); }
  std::string path;
};

/// A test program in the background; what it printed when it has ended.
class Workload {
 public:
  Workload(const char* program, const char* mode, int seconds) {
    std::string path = std::string(TEST_PROGRAMS_DIR "/") + program;
    int pipe[2];
    (void)!::pipe(pipe);
    output_ = ::fdopen(pipe[0], "r");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(pipe[1], STDOUT_FILENO);
      ::execl(path.c_str(), path.c_str(), mode, std::to_string(seconds).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(pipe[1]);
  }
  ~Workload() {
    wait(0);
    std::fclose(output_);
  }
  bool ended() { return wait(WNOHANG); }
  /// Name -> CPU nanoseconds, as the threads that did the work read them from their clocks.
  std::map<std::string, double> cpu() {
    std::map<std::string, double> out;
    char line[128], name[64];
    long n = 0;
    while (std::fgets(line, sizeof line, output_) != nullptr) {
      if (std::sscanf(line, "cpu %63s %ld", name, &n) == 2) out[name] += static_cast<double>(n);
      if (std::sscanf(line, "seed %ld", &n) == 1) std::printf("%s", line);
    }
    return out;
  }

 private:
  bool wait(int flags) {
    if (child_ > 0 && ::waitpid(child_, nullptr, flags) == child_) child_ = -1;
    return child_ < 0;
  }

  FILE* output_ = nullptr;
  pid_t child_ = -1;
};

/// watchfire-parse in a process of its own.
class ParserProcess {
 public:
  explicit ParserProcess(const std::string& socket) : stop_(::eventfd(0, 0)) {
    auto listener = WireListener::listen(socket, 0600);
    child_ = ::fork();
    if (child_ == 0) {
      (void)binaries::restrict_parent();
      binaries::ParseService(*std::move(listener), {}).run(stop_.get());
      ::_exit(0);
    }
    listener->forget();
  }
  ~ParserProcess() {
    uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  Fd stop_;
  pid_t child_ = -1;
};

/// Names of functions by (file id, address).
using Names = std::map<std::pair<std::string, uint64_t>, std::string>;

/// Runs all three for some seconds, and keeps what the daemon would have got.
struct Session {
  std::vector<RawWindow> windows;
  Names names;
  std::vector<Listener> listeners;

  void run(uint32_t hz, int seconds) {
    DurationNs end = boot_ns() + seconds * kSecond;
    run_until(hz, [end] { return boot_ns() >= end; });
  }
  /// From before the program starts until it has ended.
  std::map<std::string, double> run_whole(uint32_t hz, const char* program, const char* mode, int seconds) {
    std::unique_ptr<Workload> load;
    DurationNs start = boot_ns() + kSecond, end = 0;
    run_until(hz, [&] {
      if (!load && boot_ns() > start) load = std::make_unique<Workload>(program, mode, seconds);
      if (load && end == 0 && load->ended()) end = boot_ns() + kSecond / 2;
      return end != 0 && boot_ns() >= end;
    });
    return load ? load->cpu() : std::map<std::string, double>();
  }

  void run_until(uint32_t hz, const std::function<bool()>& over) {
    TempDir dir;
    std::string daemon = dir.path + "/collector.sock", parse = dir.path + "/parse.sock";
    ParserProcess parser(parse);
    Receiver* link = nullptr;
    auto receiver = Receiver::create({.socket_path = daemon, .allowed_uids = {}},
                                     {[&](RawWindow&& w) {
                                        ask(*link, w);
                                        windows.push_back(std::move(w));
                                        return true;
                                      },
                                      [&](ListenersMessage&& m) { listeners = std::move(m.listeners); },
                                      [&](SymbolsAnswer&& answer) { take(answer); }, nullptr});
    ASSERT_TRUE(receiver) << receiver.error().text();
    link = &*receiver;
    auto collector = Collector::create({.daemon_socket = daemon, .parser_socket = parse, .hz = hz, .max_hz = 100'000});
    ASSERT_TRUE(collector) << collector.error().text();
    Fd stop(::eventfd(0, 0));
    std::thread thread([&] { (*collector)->run(stop.get()); });
    while (!over()) receiver->poll(100);
    uint64_t one = 1;
    (void)!::write(stop.get(), &one, sizeof one);
    for (DurationNs last = boot_ns() + 3 * kSecond; boot_ns() < last;) receiver->poll(100);
    thread.join();
  }

  void ask(Receiver& link, const RawWindow& w) {
    std::map<std::string, std::vector<uint64_t>> wanted;
    for (const auto& frame : w.frames)
      if (w.files[frame.file].kind == WindowFileKind::kElf) wanted[w.files[frame.file].id].push_back(frame.address);
    for (auto& [id, addresses] : wanted) link.want_symbols({++requests_, id, std::move(addresses)});
  }
  void take(const SymbolsAnswer& answer) {
    for (const auto& s : answer.symbols)
      if (!s.lines.empty()) names[{answer.file_id, s.address}] = s.lines.back().name;
  }

  /// Timers that did not fire: a busy virtual machine's, not ours.
  uint64_t late() const {
    uint64_t n = 0;
    for (const auto& w : windows)
      if (auto it = w.lost.find("timer_late"); it != w.lost.end()) n += it->second;
    return n;
  }
  uint64_t total(uint64_t (RawWindow::*of)() const) const {
    uint64_t n = 0;
    for (const auto& w : windows) n += (w.*of)();
    return n;
  }

 private:
  uint64_t requests_ = 0;
};

std::string name_of(const Session& session, const RawWindow& w, uint32_t index) {
  const auto& frame = w.frames[index];
  if (frame.name != kNoIndex) return w.names[frame.name];
  auto it = session.names.find({w.files[frame.file].id, frame.address});
  return it == session.names.end() ? "?" : it->second;
}

std::vector<std::string> stack_names(const Session& session, const RawWindow& w, const WindowSample& s) {
  std::vector<std::string> out;
  for (uint32_t frame : w.stack(s.stack)) out.push_back(name_of(session, w, frame));
  return out;
}

bool contains(const std::vector<std::string>& names, std::string_view part) {
  for (const auto& name : names)
    if (name.find(part) != std::string::npos) return true;
  return false;
}

/// A stack of `workload paths`: whatever is at the leaf, then step under left or right, again and again, up to main.
bool is_path(const std::vector<std::string>& names) {
  size_t i = 0;
  auto is = [&](const char* name) { return i < names.size() && names[i].find(name) != std::string::npos; };
  while (i < names.size() && !is("step") && !is("left(") && !is("right(") && !is("main")) ++i;
  int calls = 0;
  while (is("step") || is("left(") || is("right(")) {
    if (is("step") && ++i > 0 && is("step")) return false;
    if (is("left(") || is("right(")) ++i, ++calls;
  }
  return is("main") && calls <= 20;
}

class EbpfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (auto missing = missing_rights(); !missing.empty()) GTEST_SKIP() << missing;
  }
};

TEST_F(EbpfTest, every_sample_is_stored_idle_or_lost) {
  Workload load("workload", "spin", 14);
  Session session;
  session.run(99, 12);
  ASSERT_GE(session.windows.size(), 2u);
  for (size_t i = 0; i < session.windows.size(); ++i) {
    const auto& w = session.windows[i];
    EXPECT_EQ(w.expected_samples, w.stored_samples() + w.idle_samples + w.lost_samples());
    EXPECT_EQ(w.sequence, i + 1);
    if (i > 0) EXPECT_EQ(w.start_ns, session.windows[i - 1].end_ns);
    if (i + 1 < session.windows.size()) EXPECT_EQ(w.end_ns % (10 * kSecond), 0);
  }
  EXPECT_EQ(session.total(&RawWindow::lost_samples), session.late());
}

/// Each name's share of the CPU time is what the program's own clocks say, within three standard errors of that many
/// samples. `key` gives the name a sample belongs to, "" for none, which at most `other` of the time may do. No
/// share is further off than `most`.
template <typename Key>
void expect_shares(const Session& session, std::string_view exe, const std::map<std::string, double>& clocks, Key key,
                   double other = 0.03, double most = 1) {
  std::map<std::string, double> seen;
  double samples = 0, seen_sum = 0, clock_sum = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples) {
      if (w.processes[s.process].exe != exe) continue;
      std::string name = key(w, s);
      if (!clocks.contains(name)) name.clear();
      seen[name] += static_cast<double>(s.weight_ns);
      if (name.empty()) continue;
      samples += s.count;
      seen_sum += static_cast<double>(s.weight_ns);
    }
  for (const auto& [name, ns] : clocks) clock_sum += ns;
  ASSERT_GE(clocks.size(), 3u);
  ASSERT_GE(samples, 2000);
  EXPECT_LT(seen[""], other * seen_sum) << "time that belongs to none";
  EXPECT_NEAR(seen_sum, clock_sum, other * clock_sum) << "all of the time";
  for (const auto& [name, ns] : clocks) {
    double want = ns / clock_sum, have = seen[name] / seen_sum, error = std::sqrt(want * (1 - want) / samples);
    std::printf("%s: share by its clock %.4f, by %.0f samples %.4f (%+.2f standard errors)\n", name.c_str(), want,
                samples, have, (have - want) / error);
    EXPECT_NEAR(have, want, std::min(3 * error, most)) << name;
  }
}

/// The phase on whose behalf a whole stack, named to main, was sampled.
std::string phase_of_stack(const Session& session, const RawWindow& w, const WindowSample& s) {
  auto names = stack_names(session, w, s);
  if (s.end != StackEnd::kEndOfChain || !contains(names, "run_phases") || !contains(names, "main")) return "";
  for (const char* phase : {"alpha", "beta", "gamma"})
    if (contains(names, std::string(phase) + "(")) return phase;
  return "";
}

TEST_F(EbpfTest, phases_get_the_shares_the_clock_says_with_whole_and_named_stacks) {
  Session session;
  auto clocks = session.run_whole(499, "workload", "spin", 6);
  expect_shares(session, "workload", clocks, [&](auto& w, auto& s) { return phase_of_stack(session, w, s); });
}

TEST_F(EbpfTest, what_runs_right_after_a_wake_up_gets_its_share) {
  Session session;
  auto clocks = session.run_whole(399, "workload", "wakes", 7);
  expect_shares(
      session, "workload", clocks,
      [&](auto& w, auto& s) -> std::string {
        auto names = stack_names(session, w, s);
        for (const char* phase : {"alpha", "beta", "gamma"})
          if (contains(names, std::string(phase) + "(")) return phase;
        return "";
      },
      0.15);
}

TEST_F(EbpfTest, phases_below_a_recursion_get_their_shares) {
  Session session;
  auto clocks = session.run_whole(499, "workload", "recurse", 6);
  std::set<size_t> depths;
  expect_shares(session, "workload", clocks, [&](auto& w, auto& s) {
    depths.insert(w.stack(s.stack).size());
    return phase_of_stack(session, w, s);
  });
  EXPECT_GT(depths.size(), 50u);
}

TEST_F(EbpfTest, phases_of_short_lived_children_get_their_shares) {
  Session session;
  auto clocks = session.run_whole(499, "workload", "fork", 5);
  std::set<uint32_t> pids;
  expect_shares(session, "workload", clocks, [&](auto& w, auto& s) {
    pids.insert(w.processes[s.process].pid);
    return phase_of_stack(session, w, s);
  });
  EXPECT_GT(pids.size(), 50u);
}

TEST_F(EbpfTest, threads_get_the_share_their_cpu_clocks_say) {
  Session session;
  auto clocks = session.run_whole(499, "workload", "threads", 6);
  expect_shares(
      session, "workload", clocks,
      [](auto& w, auto& s) { return s.thread_name == kNoIndex ? std::string() : w.names[s.thread_name]; }, 0.03, 0.01);
}

TEST_F(EbpfTest, leaves_without_frame_pointers_get_their_shares_and_cut_stacks_say_so) {
  constexpr const char* kExe = "workload_without_frame_pointers";
  Session session;
  auto clocks = session.run_whole(499, kExe, "spin", 6);
  double marked = 0, whole = 0, unmarked = 0;
  expect_shares(session, kExe, clocks, [&](auto& w, auto& s) -> std::string {
    auto names = stack_names(session, w, s);
    bool complete = contains(names, "main");
    if (complete)
      whole += s.count;
    else
      (s.end == StackEnd::kEndOfChain ? unmarked : marked) += s.count;
    for (const auto& name : names) {  // leaf first, kernel frames before it
      for (const char* phase : {"alpha", "beta", "gamma"})
        if (name.starts_with(phase) || name.find(std::string("::") + phase) != std::string::npos) return phase;
    }
    return "";
  });
  std::printf("stacks: %.0f whole, %.0f cut and marked, %.0f cut and not marked\n", whole, marked, unmarked);
  EXPECT_GT(marked, 0.5 * (whole + marked + unmarked));
  EXPECT_LT(unmarked, 0.01 * (whole + marked + unmarked));
}

TEST_F(EbpfTest, recursion_deeper_than_the_limit_is_cut_and_says_so) {
  Workload load("workload", "deep", 5);
  Session session;
  session.run(99, 3);
  uint64_t deep = 0, all = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples)
      if (w.processes[s.process].exe == "workload") {
        all += s.count;
        if (s.end == StackEnd::kDepth && w.stack(s.stack).size() >= WF_MAX_USER_FRAMES) deep += s.count;
      }
  ASSERT_GT(all, 50u);
  EXPECT_GT(static_cast<double>(deep) / static_cast<double>(all), 0.95);
}

TEST_F(EbpfTest, a_pid_used_again_at_once_is_two_processes_with_names_of_their_own) {
  Session session;
  auto pid = static_cast<uint32_t>(session.run_whole(99, "workload", "reuse", 6)["pid"]);
  if (pid == 0) GTEST_SKIP() << "this kernel or user may not choose a pid (clone3 set_tid)";
  std::map<std::string, double> seconds;
  std::set<uint64_t> starts;
  uint64_t named = 0, all = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples) {
      const auto& p = w.processes[s.process];
      if (p.pid != pid || !p.exe.starts_with("workload")) continue;
      seconds[p.exe] += static_cast<double>(s.weight_ns) / 1e9;
      starts.insert(static_cast<uint64_t>(p.start_boot_ns));
      for (uint32_t frame : w.stack(s.stack)) {
        const std::string& path = w.files[w.frames[frame].file].path;
        if (path.find("/workload") == std::string::npos) continue;
        all += s.count;
        if (path.ends_with("/" + p.exe)) named += s.count;
      }
    }
  EXPECT_EQ(starts.size(), 2u);
  EXPECT_NEAR(seconds["workload"], 3, 0.3);
  EXPECT_NEAR(seconds["workload_without_frame_pointers"], 3, 0.3);
  EXPECT_GT(all, 100u);
  EXPECT_EQ(named, all) << "frames that lie in the other program's file";
}

TEST_F(EbpfTest, kernel_frames_are_named_above_the_user_frames_that_called) {
  Workload load("workload", "syscalls", 5);
  Session session;
  session.run(99, 3);
  uint64_t both = 0, all = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples)
      if (w.processes[s.process].exe == "workload") {
        all += s.count;
        auto names = stack_names(session, w, s);
        if (contains(names, "entry_SYSCALL_64") && contains(names, "main")) both += s.count;
      }
  ASSERT_GT(all, 50u);
  // The rest is seen in user mode, at the instruction itself.
  EXPECT_GT(static_cast<double>(both) / static_cast<double>(all), 0.15);
}

TEST_F(EbpfTest, at_the_highest_rate_only_late_timers_are_lost) {
  Workload load("workload", "paths", 12);
  Session session;
  session.run(999, 10);
  uint64_t expected = 0, idle = 0;
  for (const auto& w : session.windows) {
    expected += w.expected_samples;
    idle += w.idle_samples;
  }
  uint64_t stored = session.total(&RawWindow::stored_samples), lost = session.total(&RawWindow::lost_samples);
  std::printf("expected %lu stored %lu idle %lu lost %lu of these late %lu\n", expected, stored, idle, lost,
              session.late());
  EXPECT_EQ(expected, stored + idle + lost);
  EXPECT_LT(static_cast<double>(lost - session.late()), 0.001 * static_cast<double>(expected));
}

TEST_F(EbpfTest, a_hundred_thousand_distinct_stacks_in_a_window_are_all_accounted_for) {
  uint32_t cpus = static_cast<uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  std::vector<std::unique_ptr<Workload>> loads;
  for (uint32_t i = 0; i < cpus; ++i) loads.push_back(std::make_unique<Workload>("workload", "paths", 25));
  Session session;
  session.run(std::max(999u, 18'000 / cpus), 22);
  size_t most = 0, wrong = 0;
  uint64_t fired = 0;
  for (const auto& w : session.windows) {
    std::set<std::vector<uint32_t>> stacks;
    for (uint32_t i = 0; i < w.stack_count(); ++i)
      EXPECT_TRUE(stacks.emplace(w.stack(i).begin(), w.stack(i).end()).second) << "stack " << i << " is there twice";
    std::printf("expected %lu stored %lu idle %lu distinct stacks %zu, lost:", w.expected_samples, w.stored_samples(),
                w.idle_samples, w.stack_count());
    for (const auto& [reason, n] : w.lost) std::printf(" %s %lu", reason.c_str(), n);
    std::printf("\n");
    EXPECT_EQ(w.expected_samples, w.stored_samples() + w.idle_samples + w.lost_samples());
    most = std::max(most, w.stack_count());
    fired = std::max(fired, w.stored_samples() + w.lost_samples());
    for (const auto& s : w.samples) {
      if (w.processes[s.process].exe != "workload" || s.end != StackEnd::kEndOfChain) continue;
      auto names = stack_names(session, w, s);
      if (is_path(names) || !contains(names, "step")) continue;  // at its start and between two paths
      if (++wrong > 3) continue;
      std::string text;
      for (const auto& name : names) text += name + "; ";
      std::printf("a stack that the program cannot have: %s\n", text.c_str());
    }
  }
  EXPECT_EQ(wrong, 0u);
  if (fired < 150'000) GTEST_SKIP() << "this machine fired " << fired << " timers in a window, too few for the rest";
  EXPECT_GE(most, 100'000u);
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
