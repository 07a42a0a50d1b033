// watchfire-launch: what the service manager does for the package, for `./run`. Makes directories, starts each program
// as its own user with just its rights, restarts what ends, stops all in order. Parses nothing but its flags.

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"

namespace {

using namespace watchfire;

constexpr const char* kUsage =
    "usage: watchfire-launch [--state DIR] [--hz N] [--config FILE] [--with-agent] [-- watchfired's further flags]\n"
    "  --state DIR    keep everything below DIR (default: /var/lib/watchfire and /run/watchfire)\n"
    "  --hz N         samples a second and CPU\n"
    "  --config FILE  watchfired's configuration\n"
    "  --with-agent   start watchfire-agent too\n";

constexpr DurationNs kFirstBackoff = kSecond, kLongestBackoff = 30 * kSecond, kStable = kMinute;
constexpr rlim_t kMaxFiles = 4096;

struct Options {
  std::string state = "/var/lib/watchfire", run = "/run/watchfire", hz, config;
  bool with_agent = false;
  std::vector<std::string> daemon_flags;
};

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Program {
  std::string name;
  User user;
  std::vector<gid_t> groups;
  std::vector<cap_value_t> capabilities;
  std::vector<std::string> arguments;
  DurationNs stop_patience = 10 * kSecond;
  Fd binary;  ///< opened before any right is dropped
  pid_t pid = -1;
  DurationNs started = 0, backoff = 0, start_at = 0;
};

bool parse_arguments(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    bool has_value = i + 1 < argc;
    if (flag == "--") {
      options.daemon_flags.assign(argv + i + 1, argv + argc);
      return true;
    } else if (flag == "--state" && has_value) {
      options.state = argv[++i];
      options.run = options.state + "/run";
    } else if (flag == "--hz" && has_value) {
      options.hz = argv[++i];
    } else if (flag == "--config" && has_value) {
      options.config = argv[++i];
    } else if (flag == "--with-agent") {
      options.with_agent = true;
    } else {
      return false;
    }
  }
  return true;
}

Result<User> find_user(const char* name) {
  const passwd* entry = ::getpwnam(name);
  if (entry != nullptr) return User{entry->pw_uid, entry->pw_gid};
  return fail(
      Error(ErrorCode::kNotFound, "there is no user " + std::string(name))
          .hinted("useradd --system --no-create-home --shell /usr/sbin/nologin --user-group " + std::string(name)));
}

/// Makes or takes over a directory. The last part is never followed when it is a link: its parent may belong to a
/// user with fewer rights.
Status make_owned(const std::string& path, User owner, mode_t mode) {
  size_t slash = path.rfind('/');
  std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  WF_TRY(make_directories(parent));
  WF_ASSIGN(Fd dir, open_file(parent, O_RDONLY | O_DIRECTORY));
  std::string name = path.substr(slash + 1);
  if (::mkdirat(dir.get(), name.c_str(), mode) < 0 && errno != EEXIST)
    return fail(system_error(errno, "making " + path));
  Fd made(::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return fail(system_error(errno, "opening " + path));
  if (::fchown(made.get(), owner.uid, owner.gid) < 0) return fail(system_error(errno, "giving away " + path));
  if (::fchmod(made.get(), mode) < 0) return fail(system_error(errno, "setting the mode of " + path));
  return {};
}

Result<Fd> open_beside_me(const std::string& name) {
  char self[4096];
  ssize_t n = ::readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return fail(system_error(errno, "reading /proc/self/exe"));
  std::string path(self, static_cast<size_t>(n));
  return open_file(path.substr(0, path.rfind('/') + 1) + name, O_PATH);
}

Result<std::vector<Program>> plan(const Options& o, bool is_root) {
  User me{::geteuid(), ::getegid()};
  User daemon = me, collect = me, parse = me, agent = me;
  if (is_root) {
    WF_ASSIGN(daemon, find_user("watchfire"));
    WF_ASSIGN(collect, find_user("watchfire-collect"));
    WF_ASSIGN(parse, find_user("watchfire-parse"));
    if (o.with_agent) {
      WF_ASSIGN(agent, find_user("watchfire-agent"));
    }
  }
  WF_TRY(make_owned(o.state, daemon, 0755));
  WF_TRY(make_owned(o.run, daemon, 0755));
  WF_TRY(make_owned(o.run + "/parse", parse, 0755));
  std::string parse_socket = o.run + "/parse/parse.sock";

  std::vector<std::string> daemon_arguments{"--state", o.state, "--run-dir", o.run};
  if (!o.config.empty()) daemon_arguments.insert(daemon_arguments.end(), {"--config", o.config});
  std::vector<std::string> agent_arguments = daemon_arguments;
  daemon_arguments.insert(daemon_arguments.end(), o.daemon_flags.begin(), o.daemon_flags.end());
  std::vector<std::string> collect_arguments{"--socket", o.run + "/collector.sock", "--parse-socket", parse_socket};
  if (!o.hz.empty()) collect_arguments.insert(collect_arguments.end(), {"--hz", o.hz});

  // In the order in which they are stopped: who has something to hand over first.
  std::vector<Program> programs;
  if (o.with_agent) programs.push_back({"watchfire-agent", agent, {daemon.gid}, {}, agent_arguments});
  if (is_root)
    programs.push_back({"watchfire-collect",
                        collect,
                        {},
                        {CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH, CAP_SYSLOG},
                        collect_arguments});
  programs.push_back({"watchfired", daemon, {}, {}, daemon_arguments, 30 * kSecond});
  programs.push_back(
      {"watchfire-parse", parse, {}, {}, {"--socket", parse_socket, "--allow-uid", std::to_string(collect.uid)}});
  for (auto& program : programs) {
    WF_ASSIGN(program.binary, open_beside_me(program.name));
  }
  return programs;
}

/// In the child, as root: becomes the user, with the listed capabilities and no way to more.
bool become(const Program& p) {
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap) >= 0; ++cap)
    if (std::ranges::find(p.capabilities, cap) == p.capabilities.end() && cap_drop_bound(cap) != 0) return false;
  if (::setgroups(p.groups.size(), p.groups.data()) != 0 || ::prctl(PR_SET_KEEPCAPS, 1) != 0) return false;
  if (::setresgid(p.user.gid, p.user.gid, p.user.gid) != 0) return false;
  if (::setresuid(p.user.uid, p.user.uid, p.user.uid) != 0) return false;
  cap_t caps = cap_init();
  auto count = static_cast<int>(p.capabilities.size());
  for (cap_flag_t flag : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE})
    if (count > 0 && cap_set_flag(caps, flag, count, p.capabilities.data(), CAP_SET) != 0) return false;
  if (cap_set_proc(caps) != 0) return false;
  cap_free(caps);
  return std::ranges::all_of(p.capabilities, [](cap_value_t cap) { return cap_set_ambient(cap, CAP_SET) == 0; });
}

[[noreturn]] void run_child(const Program& p, bool is_root, pid_t launcher) {
  ::setsid();  // a terminal's Ctrl-C goes to the launcher alone, which stops the others in order
  rlimit files{kMaxFiles, kMaxFiles};
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (is_root && !become(p)) {
    log_error("cannot become the user of " + p.name + ": " + system_error(errno, "setting rights").text());
    ::_exit(1);
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != launcher) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<std::string> words{p.name};
  words.insert(words.end(), p.arguments.begin(), p.arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const char* zone = std::getenv("TZ");
  std::string path = "PATH=/usr/bin:/bin", tz = zone != nullptr ? "TZ=" + std::string(zone) : "LANG=C.UTF-8";
  char* environment[] = {path.data(), tz.data(), nullptr};
  ::fexecve(p.binary.get(), argv.data(), environment);
  log_error("cannot execute " + p.name + ": " + system_error(errno, "fexecve").text());
  ::_exit(1);
}

void start(Program& p, bool is_root) {
  pid_t launcher = ::getpid();
  p.started = boot_ns();
  p.pid = ::fork();
  if (p.pid == 0) run_child(p, is_root, launcher);
  if (p.pid < 0) p.start_at = p.started + kLongestBackoff;
}

/// Notes which programs ended; each starts again after its backoff.
void reap(std::vector<Program>& programs, bool stopping) {
  int status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    auto p = std::ranges::find(programs, pid, &Program::pid);
    if (p == programs.end()) continue;
    p->pid = -1;
    if (stopping) continue;
    DurationNs now = boot_ns();
    p->backoff =
        now - p->started > kStable ? kFirstBackoff : std::clamp(p->backoff * 2, kFirstBackoff, kLongestBackoff);
    p->start_at = now + p->backoff;
    std::string how = WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                                          : "ended with status " + std::to_string(WEXITSTATUS(status));
    log_warn(p->name + " " + how + "; it starts again in " + format_duration(p->backoff));
  }
}

/// The signal that came within `timeout`, or 0.
int wait_signal(const sigset_t& signals, DurationNs timeout) {
  timespec t{timeout / kSecond, timeout % kSecond};
  int signal = ::sigtimedwait(&signals, nullptr, &t);
  return std::max(signal, 0);
}

void stop_all(std::vector<Program>& programs, const sigset_t& signals) {
  for (auto& p : programs) {
    if (p.pid <= 0) continue;
    ::kill(p.pid, SIGTERM);
    for (DurationNs deadline = boot_ns() + p.stop_patience; p.pid > 0 && boot_ns() < deadline;) {
      wait_signal(signals, kSecond / 5);
      reap(programs, true);
    }
    if (p.pid <= 0) continue;
    log_warn(p.name + " does not stop, it is killed");
    ::kill(p.pid, SIGKILL);
    ::waitpid(p.pid, nullptr, 0);
    p.pid = -1;
  }
}

void supervise(std::vector<Program>& programs, bool is_root) {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  for (;;) {
    for (auto& p : programs)
      if (p.pid < 0 && boot_ns() >= p.start_at) start(p, is_root);
    int signal = wait_signal(signals, kSecond / 2);
    reap(programs, false);
    if (signal == SIGTERM || signal == SIGINT) return stop_all(programs, signals);
    if (signal == SIGHUP)
      for (const auto& p : programs)
        if (p.pid > 0) ::kill(p.pid, SIGHUP);
  }
}

}  // namespace

int main(int argc, char** argv) {
  log_init("watchfire-launch");
  Options options;
  if (!parse_arguments(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  bool is_root = ::geteuid() == 0;
  if (!is_root) log_warn("not root: no collector, so no profiles through eBPF; the other programs run as the caller");
  ::umask(022);
  auto programs = plan(options, is_root);
  if (!programs) {
    log_error(programs.error().text());
    return 1;
  }
  supervise(*programs, is_root);
  return 0;
}
