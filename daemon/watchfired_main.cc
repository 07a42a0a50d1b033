// watchfired: scrapes, receives, stores, analyses, publishes, serves. See daemon/daemon.h.
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "agent/analyst/analyst.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/version.h"
#include "daemon/daemon.h"
#include "plugins/file/file_publisher.h"
#include "plugins/slack/slack_publisher.h"

namespace {

using namespace watchfire;

constexpr const char* kHelp = R"(watchfired: the daemon of Watchfire

  --config FILE     configuration (watchfire.yaml); without it the defaults count
  --state DIR       profiles, findings and reports are kept there   (/var/lib/watchfire)
  --run-dir DIR     sockets: control.sock, collector.sock           (/run/watchfire)
  --tcp ADDR:PORT   also serve the API there, read-only; "off" for none
  --check-config    read the configuration, say what is wrong, and end
  --version, --help

Signals: HUP reads the configuration again; TERM and INT end it without loss.
)";

// Concrete plugins are named here and nowhere else.
Result<std::vector<std::unique_ptr<plugins::Publisher>>> make_publishers(const daemon::Config& config,
                                                                         const std::string& state) {
  std::vector<std::unique_ptr<plugins::Publisher>> out;
  for (const ConfigValue& value : config.publishers) {
    const std::string& type = value.find("type")->scalar;
    if (type == "file") {
      WF_ASSIGN(auto publisher, plugins::make_file_publisher(value, state + "/reports"));
      out.push_back(std::move(publisher));
    } else if (type == "slack") {
      WF_ASSIGN(auto publisher, plugins::make_slack_publisher(value, state + "/spool"));
      out.push_back(std::move(publisher));
    } else {
      return fail(config_error(*value.find("type"), "publishers: unknown type '" + type + "'").hinted("file or slack"));
    }
  }
  if (out.empty()) {
    WF_ASSIGN(auto publisher, plugins::make_file_publisher({}, state + "/reports"));
    out.push_back(std::move(publisher));
  }
  return out;
}

struct Arguments {
  daemon::DaemonOptions options;
  bool check_only = false;
  int exit_code = -1;  // set when there is nothing more to do
};

Arguments read_arguments(int argc, char** argv) {
  Arguments a;
  a.options.make_publishers = make_publishers;
  struct {
    const char* name;
    std::string* target;
  } texts[] = {{"--config", &a.options.config_path},
               {"--state", &a.options.state_directory},
               {"--run-dir", &a.options.run_directory},
               {"--tcp", &a.options.tcp}};
  for (int i = 1; i < argc; ++i) {
    std::string arg = argv[i];
    bool known = false;
    for (auto& [name, target] : texts) {
      if (arg == name && i + 1 < argc)
        *target = argv[++i], known = true;
      else if (arg.starts_with(std::string(name) + "="))
        *target = arg.substr(std::strlen(name) + 1), known = true;
    }
    if (known) continue;
    if (arg == "--check-config") {
      a.check_only = true;
    } else if (arg == "--help" || arg == "-h") {
      std::fputs(kHelp, stdout);
      a.exit_code = 0;
    } else if (arg == "--version") {
      std::printf("watchfired %s\n", kVersion);
      a.exit_code = 0;
    } else {
      std::fprintf(stderr, "watchfired: unknown argument '%s'; --help lists them\n", arg.c_str());
      a.exit_code = 2;
    }
    if (a.exit_code >= 0) return a;
  }
  return a;
}

int check_config(const daemon::DaemonOptions& options) {
  auto config =
      options.config_path.empty() ? Result<daemon::Config>(daemon::Config{}) : daemon::load_config(options.config_path);
  if (config) {
    if (auto publishers = make_publishers(*config, options.state_directory); !publishers)
      config = std::unexpected(publishers.error().with(options.config_path));
  }
  if (config) {
    if (auto analyst = agent::Analyst::create(config->analysis.rules_file); !analyst)
      config = std::unexpected(analyst.error());
  }
  if (config) {
    std::puts("configuration is good");
    return 0;
  }
  std::fprintf(stderr, "%s\n", config.error().text().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  log_init("watchfired");
  // Started by descriptor, older kernels would name the process after the descriptor's number.
  ::prctl(PR_SET_NAME, "watchfired");
  ::signal(SIGPIPE, SIG_IGN);
  // Large buffers go back to the kernel when they are freed; by default glibc keeps ever larger ones.
  ::mallopt(M_MMAP_THRESHOLD, 512 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
  Arguments arguments = read_arguments(argc, argv);
  if (arguments.exit_code >= 0) return arguments.exit_code;
  if (arguments.check_only) return check_config(arguments.options);

  // Blocked before the first thread, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto daemon = daemon::Daemon::start(arguments.options);
  if (!daemon) {
    log_error(daemon.error().text());
    return 1;
  }
  log_info("watching; control socket " + arguments.options.run_directory + "/control.sock");
  notify_service_manager("READY=1");
  for (;;) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    if (signal != SIGHUP) break;
    notify_service_manager("RELOADING=1");
    Status reloaded = (*daemon)->reload();
    if (reloaded)
      log_info("configuration read again");
    else
      log_error("the configuration stays as it was: " + reloaded.error().text());
    notify_service_manager("READY=1");
  }
  notify_service_manager("STOPPING=1");
  log_info("stopping");
  daemon->reset();
  log_info("stopped; everything acknowledged is stored");
  return 0;
}
