// watchfire-parse: reads executables for the collector, each in a worker that can do nothing else.

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/wire.h"
#include "binaries/service/parse_service.h"

namespace {

using namespace watchfire;

constexpr const char* kUsage =
    "usage: watchfire-parse [--socket PATH] [--allow-uid UID]...\n"
    "  --socket PATH    where to listen; without it the socket passed by the service manager (LISTEN_FDS)\n"
    "  --allow-uid UID  a user that may connect, beside root and our own\n";

struct Options {
  std::string socket;
  std::vector<uid_t> allowed;
};

bool parse_arguments(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    if (flag == "--socket" && i + 1 < argc)
      options.socket = argv[++i];
    else if (flag == "--allow-uid" && i + 1 < argc)
      options.allowed.push_back(static_cast<uid_t>(std::strtoul(argv[++i], nullptr, 10)));
    else
      return false;
  }
  return true;
}

Result<WireListener> make_listener(const Options& options) {
  if (!options.socket.empty()) return WireListener::listen(options.socket, 0666, options.allowed);
  constexpr int kFirstPassed = 3;
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || std::atoi(pid) != ::getpid() || std::atoi(count) != 1)
    return fail(
        Error(ErrorCode::kInvalidArgument, "no socket to listen on").hinted("give --socket, or one LISTEN_FDS"));
  return WireListener::adopt(Fd(kFirstPassed), options.allowed);
}

Status serve(const Options& options, int stop_fd) {
  WF_ASSIGN(WireListener listener, make_listener(options));
  WF_TRY(binaries::restrict_parent());
  binaries::ParseService(std::move(listener), {}).run(stop_fd);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  log_init("watchfire-parse");
  ::prctl(PR_SET_NAME, "watchfire-parse");  // a program started by descriptor is named after its number
  Options options;
  if (!parse_arguments(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  for (int signal : {SIGTERM, SIGINT}) sigaddset(&stop_signals, signal);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  Fd stop(signalfd(-1, &stop_signals, SFD_CLOEXEC));
  auto served = serve(options, stop.get());
  if (served) return 0;
  log_error(served.error().text());
  return 1;
}
