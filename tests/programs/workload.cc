// A program of known shape for the profilers' tests. Ends by printing the CPU time of each thread:
//   cpu THREAD_NAME NANOSECONDS
//
//   workload spin SECONDS      one thread, two functions in a ratio of about 3 : 1
//   workload threads SECONDS   four threads that work 100, 50, 25 and 10 per cent of the time
//   workload recurse SECONDS   a stack of 300 frames
//   workload fork SECONDS      children one after the other, each working 50 ms
//   workload reuse SECONDS     two programs one after the other with one pid; prints "cpu pid PID", or 0 if not allowed
//   workload syscalls SECONDS  in the kernel most of the time
//   workload paths SECONDS     as many distinct stacks as it can: binary paths of 17 calls

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
#include <string>
#include <thread>
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
[[gnu::noinline]] void heavy_part() {
  burn(300'000);
  KEEP;
}
[[gnu::noinline]] void light_part() {
  burn(100'000);
  KEEP;
}

void print_cpu(const char* name) {
  std::printf("cpu %s %ld\n", name, static_cast<long>(clock_ns(CLOCK_THREAD_CPUTIME_ID)));
  std::fflush(stdout);
}

[[gnu::noinline]] void spin(int64_t end) {
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    heavy_part();
    light_part();
  }
  print_cpu("spin");
}

[[gnu::noinline]] void work_share(const char* name, int percent, int64_t end) {
  pthread_setname_np(pthread_self(), name);
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + percent * 200'000;
    while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until) burn(2000);
    if (percent < 100) usleep(static_cast<useconds_t>((100 - percent) * 200));
  }
  print_cpu(name);
}

void threads(int64_t end) {
  std::vector<std::thread> all;
  all.emplace_back(work_share, "full", 100, end);
  all.emplace_back(work_share, "half", 50, end);
  all.emplace_back(work_share, "quarter", 25, end);
  all.emplace_back(work_share, "tenth", 10, end);
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
    burn(3000);
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

void fork_children(int64_t end) {
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    pid_t child = fork();
    if (child == 0) {
      int64_t until = clock_ns(CLOCK_MONOTONIC) + 50'000'000;
      while (clock_ns(CLOCK_MONOTONIC) < until) burn(10'000);
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
  if (std::strcmp(mode, "spin") == 0) spin(end);
  if (std::strcmp(mode, "threads") == 0) threads(end);
  if (std::strcmp(mode, "reuse") == 0) reuse_pid(argv[0], std::atol(argv[2]));
  if (std::strcmp(mode, "fork") == 0) fork_children(end);
  while (std::strcmp(mode, "recurse") == 0 && running()) descend(300);
  while (std::strcmp(mode, "syscalls") == 0 && running()) many_syscalls();
  uint32_t path = 1;
  while (std::strcmp(mode, "paths") == 0 && running()) step(path = path * 1664525 + 1013904223, 17);
  return 0;
}
