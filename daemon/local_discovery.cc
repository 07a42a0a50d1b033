#include "daemon/local_discovery.h"

#include <algorithm>
#include <set>

#include "base/counters.h"
#include "base/window.h"
#include "converters/window/window_profiles.h"

namespace watchfire::daemon {
namespace {

constexpr DurationNs kAskTimeout = kSecond;
constexpr size_t kAskMaxBytes = 64u << 10;
constexpr std::string_view kGoPath = "/debug/pprof/";
constexpr std::string_view kGperftoolsPath = "/pprof/cmdline";

std::string reachable_address(const Listener& l) {
  bool any = l.address == "0.0.0.0" || l.address == "::" || l.address.empty();
  std::string host = any ? "127.0.0.1" : l.address;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return host + ":" + std::to_string(l.port);
}

WindowProcess as_process(const Listener& l) {
  WindowProcess p;
  p.comm = l.comm;
  p.exe = l.exe;
  p.unit = l.unit;
  p.container_id = l.container_id;
  return p;
}

// Endpoints of a program found here; CPU is eBPF's.
std::map<std::string, collectors::ProfileEndpoint> endpoints_of(bool go) {
  auto endpoints = collectors::default_endpoints();
  for (auto& [name, e] : endpoints) {
    bool is_go = e.path.starts_with("/debug/");
    bool is_cpu = e.profile_name == "process_cpu";
    e.enabled = is_go == go && !is_cpu && name != "allocs" && name != "gperftools_growth";
  }
  return endpoints;
}

}  // namespace

LocalDiscovery::LocalDiscovery(collectors::Scraper& scraper, Config::Discovery options, std::string host)
    : scraper_(scraper), host_(std::move(host)), options_(std::move(options)) {}

void LocalDiscovery::set_options(Config::Discovery options) {
  {
    std::lock_guard lock(mutex_);
    options_ = std::move(options);
  }
  publish();
}

bool LocalDiscovery::allowed(const Listener& l) const {
  if (!options_.enabled || l.has_pprof_handlers == 0 || l.own_namespace == 0) return false;
  const auto& allow = options_.allow;
  return allow.empty() || std::ranges::find(allow, l.exe) != allow.end() ||
         std::ranges::find(allow, l.comm) != allow.end();
}

void LocalDiscovery::update(ListenersMessage&& message) {
  std::vector<std::pair<Identity, Listener>> fresh;
  bool gone = false;
  {
    std::lock_guard lock(mutex_);
    std::set<Identity> present;
    for (const Listener& l : message.listeners) {
      if (!allowed(l)) continue;
      Identity id{l.pid, l.start_boot_ns, l.port};
      present.insert(id);
      if (known_.contains(id)) continue;
      known_[id].listener = l;
      fresh.emplace_back(id, l);
    }
    gone = std::erase_if(known_, [&](const auto& k) { return !present.contains(k.first); }) > 0;
  }
  for (const auto& [id, listener] : fresh) ask(id, listener);
  if (gone) publish();
}

void LocalDiscovery::ask(const Identity& id, const Listener& l) {
  count("discovery_requests_total");
  net::FetchRequest request;
  request.url = "http://" + reachable_address(l) + std::string(kGoPath);
  request.timeout = kAskTimeout;
  request.max_body_bytes = kAskMaxBytes;
  fetches_.start(request, [this, id, l](Result<net::FetchResponse> response) {
    bool is_go = response && response->status == 200 && response->body.find("goroutine") != std::string::npos;
    if (is_go || !response) return answered(id, response);
    // It speaks HTTP but has no Go index: gperftools' handlers, perhaps.
    net::FetchRequest second;
    second.url = "http://" + reachable_address(l) + std::string(kGperftoolsPath);
    second.timeout = kAskTimeout;
    second.max_body_bytes = kAskMaxBytes;
    fetches_.start(second, [this, id](Result<net::FetchResponse> r) { answered(id, r); });
  });
}

void LocalDiscovery::answered(const Identity& id, const Result<net::FetchResponse>& response) {
  {
    std::lock_guard lock(mutex_);
    auto it = known_.find(id);
    if (it == known_.end()) return;
    if (!response || response->status != 200)
      it->second.kind = Kind::kOther;
    else if (response->body.find("goroutine") != std::string::npos)
      it->second.kind = Kind::kGo;
    else
      it->second.kind = response->body.empty() || response->body.front() == '<' ? Kind::kOther : Kind::kGperftools;
  }
  publish();
}

void LocalDiscovery::publish() {
  for (bool go : {true, false}) {
    collectors::ScrapeJob job;
    job.name = go ? "local" : "local-gperftools";
    job.endpoints = endpoints_of(go);
    std::vector<collectors::Target> targets;
    {
      std::lock_guard lock(mutex_);
      job.interval = options_.interval;
      job.timeout = std::min<DurationNs>(10 * kSecond, job.interval);
      for (const auto& [id, known] : known_) {
        if (!options_.enabled || known.kind != (go ? Kind::kGo : Kind::kGperftools)) continue;
        const Listener& l = known.listener;
        collectors::Target t;
        t.job = job.name;
        t.scheme = "http";
        t.address = reachable_address(l);
        t.labels = {{"service_name", converters::service_name_of(as_process(l))},
                    {"instance", t.address},
                    {"job", job.name},
                    {"host", host_},
                    {"source", "pprof"}};
        if (!l.unit.empty()) t.labels["unit"] = l.unit;
        if (!l.container_id.empty()) t.labels["container"] = l.container_id;
        targets.push_back(std::move(t));
      }
    }
    scraper_.set_local_targets(job, std::move(targets));
  }
}

}  // namespace watchfire::daemon
