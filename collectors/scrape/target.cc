#include "collectors/scrape/target.h"

#include <set>

#include "base/counters.h"
#include "base/log.h"

namespace watchfire::collectors {
namespace {

std::string take(Labels& labels, std::string_view name, std::string fallback) {
  auto it = labels.find(name);
  return it == labels.end() || it->second.empty() ? fallback : it->second;
}

std::string with_port(const std::string& address, const std::string& scheme) {
  bool bracketed = address.ends_with(']');
  bool has_port = !bracketed && address.find(':') != std::string::npos;
  return has_port ? address : address + (scheme == "https" ? ":443" : ":80");
}

}  // namespace

std::string Target::key() const {
  return job + '\n' + scheme + "://" + address + path_prefix + '?' + query + labels_text(labels);
}

std::string Target::url(const ProfileEndpoint& endpoint) const {
  std::string out = scheme + "://" + address + path_prefix + endpoint.path;
  std::string all = query;
  if (endpoint.seconds > 0) all += (all.empty() ? "" : "&") + ("seconds=" + std::to_string(endpoint.seconds / kSecond));
  return all.empty() ? out : out + '?' + all;
}

std::optional<Target> make_target(const ScrapeJob& job, const std::string& address, const Labels& discovered) {
  Labels labels = discovered;
  labels.try_emplace("job", job.name);
  labels["__address__"] = address;
  labels.try_emplace("__scheme__", job.scheme);
  labels.try_emplace("__profile_path__", job.path_prefix);
  labels.try_emplace("__scrape_interval__", format_duration(job.interval));
  labels.try_emplace("__scrape_timeout__", format_duration(job.timeout));
  for (const auto& [name, values] : job.params)
    if (!values.empty()) labels.try_emplace("__param_" + name, values.front());

  std::optional<Labels> kept = relabel(std::move(labels), job.relabel_rules);
  if (!kept || label_or_empty(*kept, "__address__").empty()) return std::nullopt;
  Target t;
  t.job = take(*kept, "job", job.name);
  t.scheme = take(*kept, "__scheme__", "http");
  t.address = with_port(take(*kept, "__address__", ""), t.scheme);
  t.path_prefix = take(*kept, "__profile_path__", "");
  for (const auto& [name, value] : *kept) {
    if (name.starts_with("__param_"))
      t.query += (t.query.empty() ? "" : "&") + net::percent_encode(name.substr(8)) + '=' + net::percent_encode(value);
    if (!name.starts_with("__")) t.labels[name] = value;
  }
  t.labels.try_emplace("instance", t.address);
  t.labels.try_emplace("service_name", t.job);
  t.labels["source"] = "pprof";
  return t;
}

std::vector<Target> make_targets(const ScrapeJob& job, const std::vector<TargetGroup>& groups) {
  std::vector<Target> out;
  std::set<std::string> seen;
  size_t over = 0;
  for (const TargetGroup& group : groups) {
    for (const std::string& address : group.targets) {
      std::optional<Target> t = make_target(job, address, group.labels);
      if (!t || !seen.insert(t->key()).second) continue;
      if (out.size() >= job.target_limit)
        ++over;
      else
        out.push_back(*std::move(t));
    }
  }
  if (over > 0) {
    count_lost("targets", "target_limit", over);
    log_limited(LogLevel::kWarn, "target_limit." + job.name,
                "job " + job.name + ": " + std::to_string(over) + " targets are over target_limit and are not scraped");
  }
  return out;
}

}  // namespace watchfire::collectors
