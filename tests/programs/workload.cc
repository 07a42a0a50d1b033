// A program of known shape for the profilers' tests. Phases have lengths drawn at random, and the program prints what
// each took by the clock of the thread that ran it, the truth its profile is held against:
//   seed N                     repeats the same draws when given as the third argument
//   cpu NAME NANOSECONDS       one line a phase or thread; lines of the same name add up
//
//   workload spin SECONDS      alpha, beta and gamma in turn, for SECONDS of CPU time
//   workload recurse SECONDS   the same, each below 5 to 100 frames of one function that calls itself
//   workload wakes SECONDS     the same, shorter, with a sleep after each round
//   workload fork SECONDS      the same, in children of 50 ms one after the other, 20 for each second
//   workload threads SECONDS   four threads, busy for a share of the time that is drawn, until SECONDS have passed
//   workload deep SECONDS      a stack of 300 frames
//   workload reuse SECONDS     two programs one after the other with one pid; prints "cpu pid PID", or 0 if not allowed
//   workload syscalls SECONDS  in the kernel most of the time
//   workload paths SECONDS     as many distinct stacks as it can: binary paths of 20 calls

#include <linux/sched.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

volatile uint64_t sink;

int64_t clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

#define KEEP asm volatile("")  // a call in front of it stays a call, with a frame of its own

[[gnu::noinline]] void burn(int n) {
  for (int i = 0; i < n; ++i) sink = sink + static_cast<uint64_t>(i);
  KEEP;
}

std::mt19937_64 draws;
int64_t drawn(int64_t from, int64_t to) {
  return std::uniform_int_distribution<int64_t>(from, to)(draws);
}

void print_cpu(const char* name, int64_t ns) {
  std::printf("cpu %s %ld\n", name, static_cast<long>(ns));
  std::fflush(stdout);
}

uint64_t leaf_steps = 300'000;  // long, so that reading the clock between leaves takes no time

// The leaf of each phase: three functions, so that a leaf alone tells the phase.
#define PHASE(NAME)                                                  \
  [[gnu::noinline]] void NAME##_leaf() {                             \
    for (uint64_t i = 0; i < leaf_steps; ++i) sink = sink + i;       \
    KEEP;                                                            \
  }                                                                  \
  [[gnu::noinline]] void NAME(int64_t until) {                       \
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until) NAME##_leaf(); \
    KEEP;                                                            \
  }                                                                  \
  [[gnu::noinline]] void NAME##_below(int depth, int64_t until) {    \
    if (depth == 0)                                                  \
      NAME(until);                                                   \
    else                                                             \
      NAME##_below(depth - 1, until);                                \
    KEEP;                                                            \
  }
PHASE(alpha)
PHASE(beta)
PHASE(gamma)

struct Phase {
  const char* name;
  void (*run)(int64_t until);
  void (*run_below)(int depth, int64_t until);
  int64_t mean_ns = 0;
  int64_t used_ns = 0;
};

// Runs the phases in turn for `seconds` of this thread's CPU time and prints what each took.
[[gnu::noinline]] void run_phases(double seconds, bool recursive) {
  Phase all[] = {{"alpha", alpha, alpha_below}, {"beta", beta, beta_below}, {"gamma", gamma, gamma_below}};
  for (Phase& p : all) p.mean_ns = drawn(2'000'000, 30'000'000);
  int64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID), now = start;
  auto end = start + static_cast<int64_t>(seconds * 1e9);
  while (now < end)
    for (Phase& p : all) {
      int64_t until = now + drawn(p.mean_ns / 2, p.mean_ns * 3 / 2);
      if (recursive)
        p.run_below(static_cast<int>(drawn(5, 100)), until);
      else
        p.run(until);
      int64_t after = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      p.used_ns += after - now;
      now = after;
    }
  for (const Phase& p : all) print_cpu(p.name, p.used_ns);
}

[[gnu::noinline]] void run_wakes(double seconds) {
  leaf_steps = 30'000;
  int64_t used[3] = {}, now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  auto end = now + static_cast<int64_t>(seconds * 1e9);
  while (now < end) {
    int i = 0;
    for (auto [run, least] : {std::pair(&alpha, 600'000), std::pair(&beta, 2'000'000), std::pair(&gamma, 1'000'000)}) {
      run(now + drawn(least, 2 * least));
      int64_t after = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      used[i++] += after - now;
      now = after;
    }
    usleep(static_cast<useconds_t>(drawn(2000, 6000)));
    now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  }
  print_cpu("alpha", used[0]);
  print_cpu("beta", used[1]);
  print_cpu("gamma", used[2]);
}

[[gnu::noinline]] void work_share(const char* name, int64_t percent, uint64_t seed, int64_t end) {
  pthread_setname_np(pthread_self(), name);
  std::mt19937_64 own(seed);
  std::uniform_int_distribution<int64_t> length(5'000'000, 35'000'000);
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    int64_t busy = length(own) * percent / 100, until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + busy;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until) burn(2000);
    usleep(static_cast<useconds_t>(length(own) * (100 - percent) / 100'000));
  }
  print_cpu(name, clock_ns(CLOCK_THREAD_CPUTIME_ID));
}

void threads(int64_t end) {
  std::vector<std::thread> all;
  for (const char* name : {"one", "two", "three", "four"}) {
    int64_t percent = drawn(10, 90);
    all.emplace_back(work_share, name, percent, draws(), end);
  }
  for (auto& t : all) t.join();
}

[[gnu::noinline]] void descend(int depth) {
  if (depth == 0)
    burn(200'000);
  else
    descend(depth - 1);
  KEEP;
}

[[gnu::noinline]] void left(uint32_t path, int depth);
[[gnu::noinline]] void right(uint32_t path, int depth);
void step(uint32_t path, int depth) {
  if (depth == 0) {
    burn(300);
    return;
  }
  if ((path & 1) != 0)
    left(path >> 1, depth - 1);
  else
    right(path >> 1, depth - 1);
}
void left(uint32_t path, int depth) {
  step(path, depth);
  KEEP;
}
void right(uint32_t path, int depth) {
  step(path, depth);
  KEEP;
}

void fork_children(long seconds) {
  for (long n = 0; n < seconds * 20; ++n) {
    draws.discard(1);
    pid_t child = fork();
    if (child == 0) {
      run_phases(0.05, false);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
}

// This program and its other build, half of the time each, the second with the pid that the first had.
void reuse_pid(const std::string& self, long seconds) {
  std::string half = std::to_string(seconds / 2);
  pid_t pid = 0;
  for (const std::string& program : {self, self + "_without_frame_pointers"}) {
    pid_t wanted[] = {pid};
    clone_args args{};
    args.exit_signal = SIGCHLD;
    if (pid != 0) {
      args.set_tid = reinterpret_cast<uint64_t>(wanted);
      args.set_tid_size = 1;
    }
    auto child = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof args));
    if (child == 0) {
      execl(program.c_str(), program.c_str(), "spin", half.c_str(), nullptr);
      _exit(1);
    }
    if (child > 0) waitpid(child, nullptr, 0);
    pid = child > 0 ? child : 0;
  }
  std::printf("cpu pid %ld\n", static_cast<long>(pid));
}

[[gnu::noinline]] void many_syscalls() {
  char c = 0;
  for (int i = 0; i < 1000; ++i) (void)!pread(-1, &c, 1, 0);
  KEEP;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const char* mode = argv[1];
  int64_t end = clock_ns(CLOCK_MONOTONIC) + std::atol(argv[2]) * 1'000'000'000;
  auto running = [end] { return clock_ns(CLOCK_MONOTONIC) < end; };
  auto is = [mode](const char* name) { return std::strcmp(mode, name) == 0; };
  uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device{}();
  draws.seed(seed);
  std::printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::fflush(stdout);
  if (is("spin") || is("recurse")) run_phases(static_cast<double>(std::atol(argv[2])), is("recurse"));
  if (is("wakes")) run_wakes(static_cast<double>(std::atol(argv[2])));
  if (is("threads")) threads(end);
  if (is("reuse")) reuse_pid(argv[0], std::atol(argv[2]));
  if (is("fork")) fork_children(std::atol(argv[2]));
  while (is("deep") && running()) descend(300);
  while (is("syscalls") && running()) many_syscalls();
  uint32_t path = 1;
  while (is("paths") && running()) step(path = path * 1664525 + 1013904223, 20);
  return 0;
}
