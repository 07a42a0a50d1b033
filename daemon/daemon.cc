#include "daemon/daemon.h"

#include <pwd.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/version.h"
#include "collectors/scrape/scraper.h"
#include "daemon/analysis.h"
#include "daemon/api.h"
#include "daemon/ebpf_intake.h"
#include "daemon/local_discovery.h"
#include "net/http_server.h"
#include "store/embedded/embedded_store.h"

namespace watchfire::daemon {
namespace {

constexpr const char* kCollectorUser = "watchfire-collect";

std::string machine_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

Result<Config> read_configuration(const DaemonOptions& options) {
  if (options.config_path.empty()) return Config{};
  return load_config(options.config_path);
}

class Running final : public Daemon {
 public:
  explicit Running(DaemonOptions options) : options_(std::move(options)), started_(now_ns()) {}
  ~Running() override {
    servers_.clear();
    api_.reset();
    discovery_stop();
    scraper_.reset();
    ebpf_.reset();
    analysis_.reset();
    store_.reset();
  }

  Status run();
  Status reload() override;

 private:
  Status open_store();
  Status start_collecting();
  Status start_analysis();
  Status start_serving();
  Status listen_on(net::HttpServerOptions server);
  void discovery_stop() {
    std::lock_guard lock(discovery_mutex_);
    discovery_.reset();
  }

  const DaemonOptions options_;
  const UnixNs started_;
  Config config_;
  std::string host_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<collectors::Scraper> scraper_;
  std::mutex discovery_mutex_;
  std::unique_ptr<LocalDiscovery> discovery_;  // guarded by discovery_mutex_: the intake's thread calls it
  std::unique_ptr<EbpfIntake> ebpf_;
  std::unique_ptr<Analysis> analysis_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<Api> api_;
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
};

Status Running::run() {
  WF_ASSIGN(config_, read_configuration(options_));
  log_init("watchfired", config_.log_level);
  host_ = config_.host.empty() ? machine_name() : config_.host;
  WF_TRY(make_directories(options_.state_directory, 0750));
  WF_TRY(make_directories(options_.run_directory, 0755));
  WF_TRY(open_store());
  WF_TRY(start_collecting());
  WF_TRY(start_analysis());
  return start_serving();
}

Status Running::open_store() {
  store::EmbeddedOptions o;
  o.directory = options_.state_directory + "/store";
  o.max_bytes = config_.store.max_bytes;
  o.max_age = config_.store.max_age;
  WF_ASSIGN(store_, store::EmbeddedStore::open(o));
  return {};
}

Status Running::start_collecting() {
  collectors::Scraper::Options o;
  o.limits = config_.limits;
  scraper_ = std::make_unique<collectors::Scraper>(o, [this](std::vector<profile::LabelledProfile> profiles) -> Status {
    for (auto& p : profiles) p.labels.try_emplace("host", host_);
    return store_->append(std::move(profiles));
  });
  scraper_->set_jobs(config_.scrape_jobs);
  discovery_ = std::make_unique<LocalDiscovery>(*scraper_, config_.discovery, host_);

  std::vector<uid_t> uids;
  if (const passwd* p = ::getpwnam(kCollectorUser)) uids.push_back(p->pw_uid);
  auto intake =
      EbpfIntake::start(options_.run_directory + "/collector.sock", uids, host_, *store_, [this](ListenersMessage&& m) {
        std::lock_guard lock(discovery_mutex_);
        if (discovery_) discovery_->update(std::move(m));
      });
  if (intake)
    ebpf_ = *std::move(intake);
  else
    log_error("no eBPF: the collector's socket could not be made: " + intake.error().text());
  return {};
}

Status Running::start_analysis() {
  Analysis::Parts parts;
  parts.store = store_.get();
  parts.host = host_;
  parts.journal_path = options_.state_directory + "/findings.json";
  parts.ebpf_state = [this]() -> std::optional<EbpfIntake::State> {
    if (!ebpf_) return std::nullopt;
    return ebpf_->state();
  };
  WF_ASSIGN(auto publishers, options_.make_publishers(config_, options_.state_directory));
  WF_ASSIGN(analysis_, Analysis::create(std::move(parts), config_.analysis, std::move(publishers)));
  analysis_->start();
  return {};
}

Status Running::start_serving() {
  access_ = std::make_unique<Access>(
      Access::Options{.group = config_.api.group, .write_token_file = config_.api.write_token_file});
  ApiParts parts;
  parts.store = store_.get();
  parts.scraper = scraper_.get();
  parts.analysis = analysis_.get();
  parts.ebpf = ebpf_.get();
  parts.access = access_.get();
  parts.host = host_;
  parts.version = kVersion;
  parts.state_directory = options_.state_directory;
  parts.started = started_;
  parts.limits = config_.limits;
  api_ = std::make_unique<Api>(std::move(parts));

  net::HttpServerOptions control;
  control.unix_path = options_.run_directory + "/control.sock";
  control.unix_group = access_->group_id();
  WF_TRY(listen_on(std::move(control)));
  std::string tcp = options_.tcp.empty() ? config_.api.tcp : options_.tcp;
  if (tcp.empty() || tcp == "off") return {};
  net::HttpServerOptions web;
  web.tcp_address = tcp;
  if (Status listening = listen_on(std::move(web)); !listening)
    log_error("the TCP address is not served: " + listening.error().text());
  return {};
}

Status Running::listen_on(net::HttpServerOptions server) {
  WF_ASSIGN(auto running,
            net::HttpServer::start(server, [this](const net::HttpRequest& r) { return api_->handle(r); }));
  servers_.push_back(std::move(running));
  return {};
}

Status Running::reload() {
  WF_ASSIGN(Config fresh, read_configuration(options_));
  WF_ASSIGN(auto publishers, options_.make_publishers(fresh, options_.state_directory));
  WF_TRY(analysis_->configure(fresh.analysis, std::move(publishers)));
  scraper_->set_jobs(fresh.scrape_jobs);
  {
    std::lock_guard lock(discovery_mutex_);
    discovery_->set_options(fresh.discovery);
  }
  log_init("watchfired", fresh.log_level);
  if (fresh.store.max_bytes != config_.store.max_bytes || fresh.api.tcp != config_.api.tcp ||
      fresh.host != config_.host)
    log_warn("host, store and api settings take effect after a restart");
  config_ = std::move(fresh);
  count("config_reloads_total");
  return {};
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::start(const DaemonOptions& options) {
  auto daemon = std::make_unique<Running>(options);
  WF_TRY(daemon->run());
  return std::unique_ptr<Daemon>(std::move(daemon));
}

}  // namespace watchfire::daemon
