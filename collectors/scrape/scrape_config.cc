#include "collectors/scrape/scrape_config.h"

#include <set>

namespace watchfire::collectors {
namespace {

Status read_endpoint(const std::string& name, const ConfigValue& value, const std::string& what,
                     std::map<std::string, ProfileEndpoint>& endpoints) {
  bool known = endpoints.contains(name);
  ProfileEndpoint& e = endpoints[name];
  if (e.profile_name.empty()) e.profile_name = name;
  ObjectReader r(value, what);
  r.flag("enabled", e.enabled);
  r.text("path", e.path);
  r.duration("seconds", e.seconds, 0, 5 * kMinute);
  r.text("profile_name", e.profile_name);
  if (!known) r.require("path");
  WF_TRY(r.finish());
  if (!e.path.starts_with('/')) return fail(config_error(value, what + ".path: must start with '/'"));
  return {};
}

Result<TargetGroup> read_group(const ConfigValue& value, const std::string& what) {
  TargetGroup group;
  ObjectReader r(value, what);
  r.require("targets");
  r.texts("targets", group.targets);
  r.each_entry("labels", [&](const std::string& name, const ConfigValue& v, const std::string& where) -> Status {
    if (!is_label_name(name)) return fail(config_error(v, where + ": '" + name + "' is no label name"));
    if (v.kind != ConfigValue::Kind::kScalar) return fail(config_error(v, where + ": expected a single value"));
    group.labels[name] = v.scalar;
    return {};
  });
  WF_TRY(r.finish());
  for (const std::string& target : group.targets)
    if (target.find('/') != std::string::npos)
      return fail(config_error(value, what + ": '" + target + "' is no target")
                      .hinted("a target is host:port; scheme and path have keys of their own"));
  return group;
}

Status read_tls(const ConfigValue& value, const std::string& what, net::TlsOptions& tls) {
  ObjectReader r(value, what);
  r.text("ca_file", tls.ca_file);
  r.text("cert_file", tls.cert_file);
  r.text("key_file", tls.key_file);
  r.text("server_name", tls.server_name);
  r.flag("insecure_skip_verify", tls.insecure_skip_verify);
  return r.finish();
}

Result<ScrapeJob> read_job(const ConfigValue& value, const std::string& what) {
  ScrapeJob job;
  job.endpoints = default_endpoints();
  ObjectReader r(value, what);
  r.require("job_name");
  r.text("job_name", job.name);
  r.duration("scrape_interval", job.interval, kSecond, 24 * kHour);
  job.timeout = std::min(job.timeout, job.interval);
  r.duration("scrape_timeout", job.timeout, 100 * kMillisecond, kHour);
  r.text("scheme", job.scheme);
  r.bytes("body_size_limit", job.body_limit, 1024, 1ull << 30);
  int64_t target_limit = static_cast<int64_t>(job.target_limit);
  r.integer("target_limit", target_limit, 1, 10'000);
  r.each_entry("params", [&](const std::string& name, const ConfigValue& v, const std::string& where) -> Status {
    for (const ConfigValue& item : v.items) job.params[name].push_back(item.scalar);
    return v.kind == ConfigValue::Kind::kList ? Status() : fail(config_error(v, where + ": expected a list"));
  });
  r.each_entry("headers", [&](const std::string& name, const ConfigValue& v, const std::string& where) -> Status {
    if (v.scalar.find_first_of("\r\n") != std::string::npos || name.find_first_of("\r\n: ") != std::string::npos)
      return fail(config_error(v, where + ": no header"));
    job.headers[name] = v.scalar;
    return {};
  });
  r.text("bearer_token_file", job.bearer_token_file);
  r.child("authorization", [&](const ConfigValue& v, const std::string& where) {
    std::string type = "Bearer";
    ObjectReader a(v, where);
    a.text("type", type);
    a.text("credentials_file", job.bearer_token_file);
    a.require("credentials_file");
    if (Status s = a.finish(); !s) return s;
    return type == "Bearer" ? Status() : fail(config_error(v, where + ".type: only Bearer is supported"));
  });
  r.child("basic_auth", [&](const ConfigValue& v, const std::string& where) {
    ObjectReader a(v, where);
    a.text("username", job.basic_auth_user);
    a.text("password_file", job.basic_auth_password_file);
    a.require("username");
    a.require("password_file");
    return a.finish();
  });
  r.child("tls_config", [&](const ConfigValue& v, const std::string& where) { return read_tls(v, where, job.tls); });
  r.each("static_configs", [&](const ConfigValue& v, const std::string& where) -> Status {
    WF_ASSIGN(TargetGroup group, read_group(v, where));
    job.static_configs.push_back(std::move(group));
    return {};
  });
  r.each("file_sd_configs", [&](const ConfigValue& v, const std::string& where) {
    ObjectReader f(v, where);
    std::vector<std::string> files;
    f.require("files");
    f.texts("files", files);
    f.duration("refresh_interval", job.file_sd_refresh, kSecond, 24 * kHour);
    job.file_sd_files.insert(job.file_sd_files.end(), files.begin(), files.end());
    return f.finish();
  });
  r.each("relabel_configs", [&](const ConfigValue& v, const std::string& where) -> Status {
    WF_ASSIGN(RelabelRule rule, read_relabel_rule(v, where));
    job.relabel_rules.push_back(std::move(rule));
    return {};
  });
  r.child("profiling_config", [&](const ConfigValue& v, const std::string& where) {
    ObjectReader p(v, where);
    p.text("path_prefix", job.path_prefix);
    p.each_entry("pprof_config", [&](const std::string& name, const ConfigValue& e, const std::string& at) {
      return read_endpoint(name, e, at, job.endpoints);
    });
    return p.finish();
  });
  WF_TRY(r.finish());
  job.target_limit = static_cast<size_t>(target_limit);
  if (job.scheme != "http" && job.scheme != "https")
    return fail(config_error(value, what + ".scheme: expected http or https, found '" + job.scheme + "'"));
  for (auto& [name, e] : job.endpoints) {
    bool is_default = default_endpoints().contains(name) && default_endpoints()[name].seconds == e.seconds;
    if (is_default && e.seconds >= job.interval) e.seconds = std::max(kSecond, job.interval - kSecond);
    if (e.enabled && e.seconds >= job.interval)
      return fail(config_error(value, what + ": a " + name + " profile of " + format_duration(e.seconds) +
                                          " does not fit into a scrape_interval of " + format_duration(job.interval))
                      .hinted("set profiling_config.pprof_config." + name + ".seconds below the interval"));
  }
  return job;
}

}  // namespace

std::map<std::string, ProfileEndpoint> default_endpoints() {
  return {
      {"process_cpu", {"/debug/pprof/profile", true, 10 * kSecond, "process_cpu"}},
      {"memory", {"/debug/pprof/heap", true, 0, "memory"}},
      {"allocs", {"/debug/pprof/allocs", false, 0, "memory"}},
      {"goroutine", {"/debug/pprof/goroutine", true, 0, "goroutine"}},
      {"mutex", {"/debug/pprof/mutex", true, 0, "mutex"}},
      {"block", {"/debug/pprof/block", true, 0, "block"}},
      {"threadcreate", {"/debug/pprof/threadcreate", false, 0, "threadcreate"}},
      {"gperftools_cpu", {"/pprof/profile", false, 10 * kSecond, "process_cpu"}},
      {"gperftools_heap", {"/pprof/heap", false, 0, "memory"}},
      {"gperftools_growth", {"/pprof/growth", false, 0, "growth"}},
      {"gperftools_contention", {"/pprof/contention", false, 0, "contention"}},
  };
}

Result<std::vector<ScrapeJob>> read_scrape_configs(const ConfigValue& list, const std::string& what) {
  std::vector<ScrapeJob> jobs;
  if (list.kind == ConfigValue::Kind::kNull) return jobs;
  if (list.kind != ConfigValue::Kind::kList) return fail(config_error(list, what + ": expected a list of jobs"));
  std::set<std::string> names;
  for (size_t i = 0; i < list.items.size(); ++i) {
    std::string where = what + "[" + std::to_string(i) + "]";
    WF_ASSIGN(ScrapeJob job, read_job(list.items[i], where));
    if (!names.insert(job.name).second)
      return fail(config_error(list.items[i], where + ": the job '" + job.name + "' is there twice")
                      .hinted("give each job a name of its own"));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

Result<std::vector<TargetGroup>> read_target_groups(const std::string& text) {
  WF_ASSIGN(ConfigValue root, parse_config(text));
  std::vector<TargetGroup> groups;
  if (root.kind == ConfigValue::Kind::kNull) return groups;
  if (root.kind != ConfigValue::Kind::kList) return fail(config_error(root, "expected a list of target groups"));
  for (size_t i = 0; i < root.items.size(); ++i) {
    WF_ASSIGN(TargetGroup group, read_group(root.items[i], "[" + std::to_string(i) + "]"));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace watchfire::collectors
