// The collector, the parser and the daemon's receiver together, on the real kernel and on programs of known shape.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
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

/// A test program in the background; its output when it has ended.
class Workload {
 public:
  Workload(const char* program, const char* mode, int seconds) {
    std::string command = std::string(TEST_PROGRAMS_DIR "/") + program + " " + mode + " " + std::to_string(seconds);
    pipe_ = ::popen(("exec " + command).c_str(), "r");
  }
  ~Workload() {
    if (pipe_ != nullptr) ::pclose(pipe_);
  }
  /// Thread name -> CPU nanoseconds, as the threads themselves read them at their end.
  std::map<std::string, double> cpu() {
    std::map<std::string, double> out;
    char name[64];
    long ns = 0;
    while (std::fscanf(pipe_, "cpu %63s %ld\n", name, &ns) == 2) out[name] = static_cast<double>(ns);
    return out;
  }

 private:
  FILE* pipe_ = nullptr;
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
    auto collector = Collector::create({.daemon_socket = daemon, .parser_socket = parse, .hz = hz});
    ASSERT_TRUE(collector) << collector.error().text();
    Fd stop(::eventfd(0, 0));
    std::thread thread([&] { (*collector)->run(stop.get()); });
    DurationNs end = boot_ns() + seconds * kSecond;
    while (boot_ns() < end) receiver->poll(100);
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

/// CPU time by the given key of each sample of processes with that program.
template <typename Key>
std::map<std::string, double> cpu_by(const Session& session, std::string_view exe, Key key) {
  std::map<std::string, double> out;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples)
      if (w.processes[s.process].exe == exe) out[key(w, s)] += static_cast<double>(s.weight_ns);
  return out;
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

TEST_F(EbpfTest, stacks_with_frame_pointers_are_whole_and_named) {
  Workload load("workload", "spin", 10);
  Session session;
  session.run(199, 8);
  double heavy = 0, light = 0, all = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples) {
      if (w.processes[s.process].exe != "workload") continue;
      auto names = stack_names(session, w, s);
      auto weight = static_cast<double>(s.weight_ns);
      all += weight;
      if (contains(names, "heavy_part") && contains(names, "spin") && contains(names, "main")) heavy += weight;
      if (contains(names, "light_part") && contains(names, "spin") && contains(names, "main")) light += weight;
    }
  ASSERT_GT(all, 1e9);
  EXPECT_NEAR(heavy / all, 0.75, 0.05);
  EXPECT_NEAR(light / all, 0.25, 0.05);
}

TEST_F(EbpfTest, threads_get_the_share_their_cpu_clocks_say) {
  Workload load("workload", "threads", 14);
  Session session;
  session.run(19, 16);
  auto clocks = load.cpu();
  auto seen = cpu_by(session, "workload", [](const RawWindow& w, const WindowSample& s) {
    return s.thread_name == kNoIndex ? std::string() : w.names[s.thread_name];
  });
  double clock_sum = 0, seen_sum = 0;
  for (const char* name : {"full", "half", "quarter", "tenth"}) {
    clock_sum += clocks[name];
    seen_sum += seen[name];
  }
  ASSERT_GT(clock_sum, 1e9);
  ASSERT_GT(seen_sum, 1e9);
  for (const char* name : {"full", "half", "quarter", "tenth"}) {
    double want = clocks[name] / clock_sum, have = seen[name] / seen_sum;
    std::printf("thread %s: share by its clock %.4f, by samples %.4f\n", name, want, have);
    EXPECT_NEAR(have, want, 0.01) << name;
  }
}

TEST_F(EbpfTest, code_without_frame_pointers_is_seen_and_marked) {
  Workload load("workload_without_frame_pointers", "spin", 6);
  Session session;
  session.run(99, 4);
  double all = 0, marked = 0;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples)
      if (w.processes[s.process].exe == "workload_without_frame_pointers") {
        all += s.count;
        auto names = stack_names(session, w, s);
        if (s.end != StackEnd::kEndOfChain || !contains(names, "main")) marked += s.count;
        EXPECT_TRUE(contains(names, "burn") || !w.stack(s.stack).empty());
      }
  EXPECT_GT(all, 100);
  EXPECT_GT(marked / all, 0.5);
}

TEST_F(EbpfTest, recursion_deeper_than_the_limit_is_cut_and_says_so) {
  Workload load("workload", "recurse", 5);
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

TEST_F(EbpfTest, short_lived_children_are_processes_of_their_own) {
  Workload load("workload", "fork", 5);
  Session session;
  session.run(99, 3);
  std::set<uint32_t> pids;
  for (const auto& w : session.windows)
    for (const auto& s : w.samples)
      if (w.processes[s.process].comm == "workload") pids.insert(w.processes[s.process].pid);
  EXPECT_GT(pids.size(), 10u);
}

TEST_F(EbpfTest, a_pid_used_again_at_once_is_two_processes_with_names_of_their_own) {
  Workload load("workload", "reuse", 6);
  Session session;
  session.run(99, 8);
  auto pid = static_cast<uint32_t>(load.cpu()["pid"]);
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
  EXPECT_NEAR(seconds["workload"], 3, 0.6);
  EXPECT_NEAR(seconds["workload_without_frame_pointers"], 3, 0.6);
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

TEST_F(EbpfTest, thousands_of_distinct_stacks_are_all_accounted_for) {
  Workload load("workload", "paths", 12);
  Session session;
  session.run(999, 10);
  uint64_t expected = 0, idle = 0;
  std::set<std::vector<std::string>> distinct;
  for (const auto& w : session.windows) {
    expected += w.expected_samples;
    idle += w.idle_samples;
    std::set<std::vector<uint32_t>> stacks;
    for (uint32_t i = 0; i < w.stack_count(); ++i)
      EXPECT_TRUE(stacks.emplace(w.stack(i).begin(), w.stack(i).end()).second) << "stack " << i << " is there twice";
    for (const auto& s : w.samples)
      if (w.processes[s.process].exe == "workload") distinct.insert(stack_names(session, w, s));
  }
  uint64_t stored = session.total(&RawWindow::stored_samples), lost = session.total(&RawWindow::lost_samples);
  uint64_t late = session.late();
  std::printf("expected %lu stored %lu idle %lu lost %lu of these late %lu distinct %zu\n", expected, stored, idle,
              lost, late, distinct.size());
  EXPECT_EQ(expected, stored + idle + lost);
  EXPECT_LT(static_cast<double>(lost - late), 0.001 * static_cast<double>(expected));
  EXPECT_GT(distinct.size(), 3000u);
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
