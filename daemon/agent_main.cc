// watchfire-agent: lets the configured model look at profiles after each digest and files what it found and what was
// verified. Holds no state: a signal may end it at any time.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "agent/model_run.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/version.h"
#include "daemon/config.h"

namespace {

using namespace watchfire;

constexpr const char* kHelp = R"(watchfire-agent: lets a model read profiles and file findings

  --config FILE    configuration; does nothing unless it has a `model` section   (/etc/watchfire/watchfire.yaml)
  --run-dir DIR    where the daemon's control.sock is                            (/run/watchfire)
  --state DIR      taken for the launcher's sake; nothing is kept
  --once           one run over the last digest, then end
  --version, --help
)";

constexpr unsigned kPollSeconds = 5;

struct Arguments {
  std::string config = "/etc/watchfire/watchfire.yaml";
  std::string state, run_dir = "/run/watchfire";
  bool once = false;
  int exit_code = -1;  // set when there is nothing more to do
};

Arguments read_arguments(int argc, char** argv) {
  Arguments a;
  std::pair<const char*, std::string*> texts[] = {
      {"--config", &a.config}, {"--state", &a.state}, {"--run-dir", &a.run_dir}};
  for (int i = 1; i < argc && a.exit_code < 0; ++i) {
    std::string arg = argv[i];
    bool known = false;
    for (auto& [name, target] : texts) {
      if (arg == name && i + 1 < argc)
        *target = argv[++i], known = true;
      else if (arg.starts_with(std::string(name) + "="))
        *target = arg.substr(std::strlen(name) + 1), known = true;
    }
    if (known) continue;
    if (arg == "--once") {
      a.once = true;
    } else if (arg == "--help" || arg == "-h") {
      std::fputs(kHelp, stdout);
      a.exit_code = 0;
    } else if (arg == "--version") {
      std::printf("watchfire-agent %s\n", kVersion);
      a.exit_code = 0;
    } else {
      std::fprintf(stderr, "watchfire-agent: unknown argument '%s'; --help lists them\n", arg.c_str());
      a.exit_code = 2;
    }
  }
  return a;
}

void log_report(const agent::ModelRunReport& r) {
  const auto& o = r.outcome;
  std::string line = "run over: " + std::to_string(o.calls) + " calls, " + std::to_string(o.tokens) + " tokens, " +
                     format_duration(o.elapsed / kMillisecond * kMillisecond) + "; " + std::to_string(o.tool_calls) +
                     " tools used (" + std::to_string(o.tool_errors) + " refused); " + std::to_string(r.filed) +
                     " findings filed, " + std::to_string(r.measured_again) + " measured again, " +
                     std::to_string(r.struck) + " claims struck";
  if (!o.is_complete) line += "; it did not come to its end: " + o.end;
  log_line(o.is_complete ? LogLevel::kInfo : LogLevel::kWarn, line);
}

class Agent {
 public:
  static Result<Agent> create(const daemon::Config::Model& model, const std::string& run_dir) {
    WF_ASSIGN(Secret key, Secret::from_file(model.key_file));
    WF_ASSIGN(auto client, agent::llm::Client::create(model.endpoint, std::move(key)));
    agent::ModelRun run;
    run.model = model.name;
    run.limits = {model.max_calls, model.max_tokens, model.max_time, model.max_reply_tokens};
    return Agent(std::move(client), std::move(run), run_dir + "/control.sock");
  }

  Status run_once() {
    api_.set_deadline(0);
    WF_ASSIGN(auto digest, agent::last_digest(api_));
    return run_on(digest);
  }

  /// After each new digest. Findings that are published at once make another digest of the same range: not a new one.
  void run_forever() {
    TimeRange done;
    for (;; ::sleep(kPollSeconds)) {
      api_.set_deadline(0);
      auto digest = agent::last_digest(api_);
      if (!digest) {
        if (digest.error().code != ErrorCode::kNotFound)
          log_limited(LogLevel::kWarn, "digest", digest.error().text(), 600);
        continue;
      }
      if (digest->range == done || !digest->error.empty()) continue;
      done = digest->range;
      if (Status ran = run_on(*digest); !ran) log_warn("the run failed: " + ran.error().text());
    }
  }

 private:
  Agent(agent::llm::Client client, agent::ModelRun run, std::string socket)
      : client_(std::move(client)), run_(std::move(run)), api_(std::move(socket)) {}

  Status run_on(const findings::Digest& digest) {
    WF_ASSIGN(auto report, agent::run_model(api_, client_, run_, digest));
    log_report(report);
    return {};
  }

  agent::llm::Client client_;
  agent::ModelRun run_;
  agent::ApiClient api_;
};

}  // namespace

int main(int argc, char** argv) {
  log_init("watchfire-agent");
  ::prctl(PR_SET_NAME, "watchfire-agent");  // a program started by descriptor is named after its number
  ::prctl(PR_SET_DUMPABLE, 0);              // the key stays out of core files and of other processes' reach
  ::signal(SIGPIPE, SIG_IGN);
  Arguments arguments = read_arguments(argc, argv);
  if (arguments.exit_code >= 0) return arguments.exit_code;
  auto config = daemon::load_config(arguments.config);
  if (!config) {
    log_error(config.error().text());
    return 1;
  }
  log_init("watchfire-agent", config->log_level);
  if (!config->model.configured()) {
    log_info("no model is configured: nothing to do");
    return 0;
  }
  auto agent = Agent::create(config->model, arguments.run_dir);
  if (!agent) {
    log_error(agent.error().text());
    return 1;
  }
  if (!arguments.once) {
    log_info("model " + config->model.name + " at " + config->model.endpoint);
    agent->run_forever();
  }
  if (Status ran = agent->run_once(); !ran) {
    log_error(ran.error().text());
    return 1;
  }
  return 0;
}
