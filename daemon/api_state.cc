// What Watchfire is doing: status, targets, services, metrics.
#include <unistd.h>

#include <map>

#include "base/counters.h"
#include "base/json_writer.h"
#include "daemon/api.h"

namespace watchfire::daemon {
namespace {

void write_labels(JsonWriter& w, const Labels& labels) {
  w.begin_object();
  for (const auto& [name, value] : labels) w.field(name, value);
  w.end_object();
}

void write_ebpf(JsonWriter& w, const EbpfIntake* ebpf) {
  w.key("ebpf").begin_object();
  if (ebpf != nullptr) {
    EbpfIntake::State s = ebpf->state();
    w.field("connected", s.connected).field("sample_hz", static_cast<int64_t>(s.sample_hz));
    w.field("windows", s.windows).field("expected_samples", s.expected).field("stored_samples", s.stored);
    w.field("idle_samples", s.idle).field("lost_samples", s.lost_samples());
    w.key("lost_by_reason").begin_object();
    for (const auto& [reason, n] : s.lost) w.field(reason, n);
    w.end_object();
    if (s.last_window_end != 0) w.field("last_window_end", format_time(s.last_window_end));
  } else {
    w.field("connected", false);
  }
  w.end_object();
}

net::HttpResponse status_response(const ApiParts& parts) {
  store::StoreInfo info = parts.store->info();
  JsonWriter w;
  w.begin_object()
      .field("version", parts.version)
      .field("host", parts.host)
      .field("pid", static_cast<int64_t>(::getpid()));
  w.field("started", format_time(parts.started)).field("state_directory", parts.state_directory);
  write_ebpf(w, parts.ebpf);
  w.key("store").begin_object().field("bytes", info.bytes).field("limit_bytes", info.limit_bytes);
  w.field("blocks", info.blocks).field("profiles", info.profiles).field("head_profiles", info.head_profiles);
  w.field("series", info.series).end_object();
  auto states = parts.scraper->states();
  uint64_t up = 0;
  for (const auto& s : states) up += s.up;
  auto lateness = parts.scraper->lateness();
  w.key("targets").begin_object().field("all", static_cast<uint64_t>(states.size())).field("up", up);
  w.field("scrapes", lateness.scrapes).field("lateness_p50_ns", lateness.p50);
  w.field("lateness_p99_ns", lateness.p99).field("lateness_max_ns", lateness.max).end_object();
  w.key("analysis").begin_object().field("digests", parts.analysis->digests());
  if (auto digest = parts.analysis->last_digest()) w.field("last", format_time(digest->created));
  w.key("publishers").begin_array();
  for (const auto& p : parts.analysis->publishers()) {
    w.begin_object().field("name", p.name).field("waiting", static_cast<uint64_t>(p.waiting));
    w.field("error", p.last_error).end_object();
  }
  w.end_array().end_object();
  w.key("lost").begin_object();
  for (const auto& r : Counters::instance().readings())
    if (r.name.starts_with("lost_") && r.value > 0) w.field(r.name + (r.reason.empty() ? "" : ":" + r.reason), r.value);
  w.end_object().end_object();
  return {200, "application/json", w.release() + "\n", {}, {}};
}

net::HttpResponse targets_response(const ApiParts& parts) {
  JsonWriter w;
  w.begin_object().key("targets").begin_array();
  for (const auto& s : parts.scraper->states()) {
    w.begin_object().field("job", s.job).field("url", s.url).field("origin", s.origin).field("up", s.up);
    w.field("error", s.error).field("scrapes", s.scrapes).field("failures", s.failures);
    w.field("last_scrape", s.last_scrape == 0 ? "" : format_time(s.last_scrape));
    w.field("last_duration_ns", s.last_duration).field("last_bytes", s.last_bytes).key("labels");
    write_labels(w, s.labels);
    w.end_object();
  }
  w.end_array().end_object();
  return {200, "application/json", w.release() + "\n", {}, {}};
}

// Services by name, with their profile types and how many profiles each has in the range.
Result<net::HttpResponse> services_response(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(TimeRange range, request_range(request));
  WF_ASSIGN(auto series, parts.store->series({}, range));
  struct Service {
    std::map<std::string, uint64_t> types;
    std::map<std::string, bool> sources;
    UnixNs last = 0;
  };
  std::map<std::string, Service> services;
  for (const auto& s : series) {
    Service& service = services[std::string(label_or_empty(s.labels, "service_name"))];
    service.types[s.type.text()] += s.profiles;
    service.sources[std::string(label_or_empty(s.labels, "source"))] = true;
    service.last = std::max(service.last, s.range.end);
  }
  JsonWriter w;
  w.begin_object().key("services").begin_array();
  for (const auto& [name, service] : services) {
    w.begin_object().field("service", name).field("last", format_time(service.last)).key("sources").begin_array();
    for (const auto& [source, yes] : service.sources) w.value(source);
    w.end_array().key("types").begin_object();
    for (const auto& [type, n] : service.types) w.field(type, n);
    w.end_object().end_object();
  }
  w.end_array().end_object();
  return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
}

net::HttpResponse metrics_response(const ApiParts& parts) {
  store::StoreInfo info = parts.store->info();
  Counters& counters = Counters::instance();
  counters.get("store_bytes").set(info.bytes);
  counters.get("store_profiles").set(info.profiles);
  counters.get("store_series").set(info.series);
  if (parts.ebpf != nullptr) counters.get("collector_connected").set(parts.ebpf->state().connected ? 1 : 0);
  return {200, "text/plain; version=0.0.4", counters.exposition(), {}, {}};
}

}  // namespace

void Api::add_state_routes() {
  routes_["GET /api/v1/status"] = {[this](const auto&) { return status_response(parts_); }};
  routes_["GET /api/v1/targets"] = {[this](const auto&) { return targets_response(parts_); }};
  routes_["GET /api/v1/services"] = {[this](const auto& r) { return services_response(parts_, r); }};
  routes_["GET /metrics"] = {[this](const auto&) { return metrics_response(parts_); }};
}

}  // namespace watchfire::daemon
