#include "binaries/service/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <new>

#include "base/bytes.h"

namespace watchfire::binaries {
namespace {

constexpr int kExitMemory = 81;
constexpr int kExitSetup = 82;
constexpr uint64_t kAnswerMagic = 0x72657773'6e415746;  // "FWAnswer"

// A sanitizer's shadow memory is larger than any limit; in such a build, which is for tests, there is none.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitsMemory = false;
#elif defined(__has_feature)
constexpr bool kLimitsMemory = !__has_feature(address_sanitizer);
#else
constexpr bool kLimitsMemory = true;
#endif

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

bool allow(scmp_filter_ctx filter, std::initializer_list<int> calls) {
  return std::ranges::all_of(calls, [&](int call) { return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0; });
}

constexpr std::initializer_list<int> kChildCalls = {
    SCMP_SYS(read),           SCMP_SYS(pread64), SCMP_SYS(write),     SCMP_SYS(writev),       SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),     SCMP_SYS(lseek),   SCMP_SYS(mmap),      SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),        SCMP_SYS(brk),     SCMP_SYS(mprotect),  SCMP_SYS(exit),         SCMP_SYS(exit_group),
    SCMP_SYS(futex),          SCMP_SYS(close),   SCMP_SYS(getrandom), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall)};

constexpr std::initializer_list<int> kParentCalls = {
    SCMP_SYS(accept4),      SCMP_SYS(recvmsg),         SCMP_SYS(sendmsg),
    SCMP_SYS(getsockopt),   SCMP_SYS(shutdown),        SCMP_SYS(poll),
    SCMP_SYS(ppoll),        SCMP_SYS(clone),           SCMP_SYS(clone3),
    SCMP_SYS(fork),         SCMP_SYS(wait4),           SCMP_SYS(kill),
    SCMP_SYS(pipe2),        SCMP_SYS(fcntl),           SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),    SCMP_SYS(clock_gettime),   SCMP_SYS(gettimeofday),
    SCMP_SYS(getpid),       SCMP_SYS(gettid),          SCMP_SYS(geteuid),
    SCMP_SYS(tgkill),       SCMP_SYS(close_range),     SCMP_SYS(prlimit64),
    SCMP_SYS(setrlimit),    SCMP_SYS(prctl),           SCMP_SYS(seccomp),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),  SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),         SCMP_SYS(getppid),         SCMP_SYS(unlink),
    SCMP_SYS(sched_yield),  SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep)};

bool set_limit(int resource, rlim_t soft, rlim_t hard) {
  rlimit limit{soft, hard};
  return ::setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

/// Closes every descriptor but the two.
void close_others(int a, int b) {
  auto [low, high] = std::minmax(a, b);
  if (low > 0) ::close_range(0, static_cast<unsigned>(low) - 1, 0);
  if (high > low + 1) ::close_range(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1, 0);
  ::close_range(static_cast<unsigned>(high) + 1, ~0u, 0);
}

bool enter_sandbox(int pipe, int keep, const SandboxLimits& limits) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  ::prctl(PR_SET_DUMPABLE, 0);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGXCPU, SIGSEGV, SIGBUS}) std::signal(signal, SIG_DFL);
  close_others(pipe, keep >= 0 ? keep : pipe);
  auto cpu = static_cast<rlim_t>(limits.cpu_seconds);
  bool limited = (!kLimitsMemory || set_limit(RLIMIT_DATA, limits.data_bytes, limits.data_bytes)) &&
                 set_limit(RLIMIT_CPU, cpu, cpu + 1) && set_limit(RLIMIT_CORE, 0, 0) &&
                 set_limit(RLIMIT_FSIZE, limits.answer_bytes, limits.answer_bytes);
  if (!limited) return false;
  Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS), &seccomp_release);
  return filter && allow(filter.get(), kChildCalls) && seccomp_load(filter.get()) == 0;
}

[[noreturn]] void run_child(const SandboxedWork::Work& work, int pipe, int keep, const SandboxLimits& limits) {
  std::set_new_handler([] { ::_exit(kExitMemory); });
  if (!enter_sandbox(pipe, keep, limits)) ::_exit(kExitSetup);
  auto answer = work();
  uint64_t head[2] = {kAnswerMagic, answer.size()};
  bool written = write_all(pipe, as_text(std::as_bytes(std::span(head)))) && write_all(pipe, as_text(answer));
  ::_exit(written ? 0 : kExitSetup);
}

}  // namespace

Result<SandboxedWork> SandboxedWork::start(const Work& work, int keep, const SandboxLimits& limits) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(system_error(errno, "making a pipe"));
  Fd read_end(ends[0]), write_end(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  pid_t child = ::fork();
  if (child < 0) return fail(system_error(errno, "forking a worker"));
  if (child == 0) run_child(work, write_end.get(), keep, limits);
  return SandboxedWork(child, std::move(read_end), boot_ns() + limits.wall, limits.answer_bytes);
}

SandboxedWork::SandboxedWork(SandboxedWork&& other) noexcept {
  *this = std::move(other);
}

SandboxedWork& SandboxedWork::operator=(SandboxedWork&& other) noexcept {
  if (this == &other) return *this;
  kill_and_reap();
  child_ = std::exchange(other.child_, -1);
  pipe_ = std::move(other.pipe_);
  deadline_ = other.deadline_;
  answer_bytes_ = other.answer_bytes_;
  answer_ = std::move(other.answer_);
  wall_clock_ = other.wall_clock_;
  too_long_ = other.too_long_;
  return *this;
}

SandboxedWork::~SandboxedWork() {
  kill_and_reap();
}

/// Ends the child if it has not ended, and returns its wait status.
int SandboxedWork::kill_and_reap() {
  int status = 0;
  if (child_ <= 0) return status;
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  return status;
}

std::optional<SandboxedWork::Outcome> SandboxedWork::advance(DurationNs now) {
  std::byte chunk[1 << 16];
  for (;;) {
    ssize_t n = ::read(pipe_.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;  // nothing more just now
    if (n == 0) {
      // The pipe closes a moment before the child is gone: wait for its own end, not ours.
      int status = 0;
      while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
      }
      child_ = -1;
      return judge(status);
    }
    if (answer_.size() + static_cast<size_t>(n) > answer_bytes_) {
      too_long_ = true;
      return judge(kill_and_reap());
    }
    answer_.insert(answer_.end(), chunk, chunk + n);
  }
  if (now < deadline_) return std::nullopt;
  wall_clock_ = true;
  return judge(kill_and_reap());
}

SandboxedWork::Outcome SandboxedWork::judge(int status) {
  if (wall_clock_) return {false, "wall_clock", {}};
  if (too_long_) return {false, "answer_too_long", {}};
  if (WIFSIGNALED(status)) {
    int signal = WTERMSIG(status);
    if (signal == SIGSYS) return {false, "system_call", {}};
    if (signal == SIGXCPU || signal == SIGKILL) return {false, "cpu_time", {}};
    return {false, "crash", {}};
  }
  if (WEXITSTATUS(status) == kExitMemory) return {false, "memory", {}};
  if (WEXITSTATUS(status) != 0) return {false, "setup", {}};
  ByteReader r(answer_);
  auto magic = r.read<uint64_t>(), size = r.read<uint64_t>();
  if (!r.ok() || magic != kAnswerMagic || size != r.remaining()) return {false, "bad_answer", {}};
  answer_.erase(answer_.begin(), answer_.begin() + 16);
  return {true, {}, std::move(answer_)};
}

Status restrict_parent() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(system_error(errno, "no_new_privs"));
  Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release);
  if (!filter || !allow(filter.get(), kChildCalls) || !allow(filter.get(), kParentCalls))
    return fail(ErrorCode::kInternal, "building the system call filter");
  if (int error = seccomp_load(filter.get()); error != 0)
    return fail(system_error(-error, "loading the system call filter"));
  return {};
}

}  // namespace watchfire::binaries
