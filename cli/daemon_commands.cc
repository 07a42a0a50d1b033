#include "cli/daemon_commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "agent/api_client.h"
#include "base/clock.h"
#include "base/config_tree.h"
#include "base/fd.h"
#include "base/host_checks.h"
#include "base/labels.h"
#include "base/untrusted_text.h"
#include "cli/analyze_files.h"
#include "cli/command_line.h"
#include "cli/terminal.h"
#include "findings/render.h"

namespace watchfire::cli {
namespace {

using agent::Params;

constexpr size_t kMaxPushBytes = 64u << 20;

// Scalars of the API's JSON by path "a.b"; "" when there is none.
std::string field(const ConfigValue& root, std::string_view path) {
  const ConfigValue* v = &root;
  while (v != nullptr && !path.empty()) {
    size_t dot = std::min(path.find('.'), path.size());
    v = v->find(path.substr(0, dot));
    path.remove_prefix(std::min(path.size(), dot + 1));
  }
  return v == nullptr ? "" : v->scalar;
}

int64_t number(const std::string& text) {
  return std::strtoll(text.c_str(), nullptr, 10);
}

std::string megabytes(const std::string& bytes) {
  return std::to_string(number(bytes) >> 20) + " MB";
}

// Gets a path; prints JSON, or what `show` makes of it.
int show_json(const Common& common, const std::string& path, const Params& params,
              const std::function<std::string(const ConfigValue&)>& show) {
  auto response = common.client().get(path, params);
  if (!response) return print_error(response.error());
  if (common.json) return print_bytes(response->body), kExitGood;
  auto root = parse_config(response->body);
  if (!root) return print_error(root.error());
  print_untrusted(show(*root));
  return kExitGood;
}

std::string status_text(const ConfigValue& s) {
  std::string out = "watchfired " + field(s, "version") + " on " + field(s, "host") + ", pid " + field(s, "pid") +
                    ", since " + field(s, "started") + "\n";
  bool connected = field(s, "ebpf.connected") == "true";
  out += "eBPF      " + std::string(connected ? "on" : "off");
  if (connected || field(s, "ebpf.windows") != "0")
    out += ", " + field(s, "ebpf.sample_hz") + " Hz, " + field(s, "ebpf.windows") + " windows, expected " +
           field(s, "ebpf.expected_samples") + " = stored " + field(s, "ebpf.stored_samples") + " + idle " +
           field(s, "ebpf.idle_samples") + " + lost " + field(s, "ebpf.lost_samples");
  out += "\ntargets   " + field(s, "targets.up") + " of " + field(s, "targets.all") + " up\n";
  out += "store     " + megabytes(field(s, "store.bytes")) + " of " + megabytes(field(s, "store.limit_bytes")) + ", " +
         field(s, "store.profiles") + " profiles, " + field(s, "store.series") + " series, " +
         field(s, "store.blocks") + " blocks\n";
  out += "analysis  " + field(s, "analysis.digests") + " digests";
  if (std::string last = field(s, "analysis.last"); !last.empty()) out += ", last " + last;
  out += "\n";
  if (const ConfigValue* analysis = s.find("analysis"))
    if (const ConfigValue* publishers = analysis->find("publishers"))
      for (const ConfigValue& p : publishers->items) {
        std::string error = field(p, "error");
        out += "publisher " + field(p, "name") + ": " + (error.empty() ? "good" : error) + "\n";
      }
  if (const ConfigValue* lost = s.find("lost"))
    for (const auto& [name, value] : lost->entries) out += "lost      " + name + " " + value.scalar + "\n";
  return out;
}

std::string targets_text(const ConfigValue& root) {
  std::vector<std::vector<std::string>> rows = {{"JOB", "TARGET", "STATE", "LAST", "BYTES", "WHY"}};
  for (const ConfigValue& t : root.find("targets")->items)
    rows.push_back({field(t, "job"), field(t, "url"), field(t, "up") == "true" ? "up" : "down",
                    format_duration(number(field(t, "last_duration_ns")) / kMillisecond * kMillisecond),
                    field(t, "last_bytes"), field(t, "error")});
  return rows.size() == 1 ? "no targets; programs with pprof handlers on this host appear by themselves\n"
                          : aligned(rows);
}

std::string services_text(const ConfigValue& root) {
  std::vector<std::vector<std::string>> rows = {{"SERVICE", "SOURCES", "LAST", "PROFILE TYPES"}};
  for (const ConfigValue& s : root.find("services")->items) {
    std::string sources, types;
    for (const ConfigValue& source : s.find("sources")->items) sources += (sources.empty() ? "" : ",") + source.scalar;
    for (const auto& [type, n] : s.find("types")->entries) {
      std::string shortened = type.substr(0, type.find(':', type.find(':') + 1));
      types += (types.empty() ? "" : " ") + shortened + "(" + n.scalar + ")";
    }
    rows.push_back({field(s, "service"), sources, field(s, "last"), types});
  }
  return rows.size() == 1 ? "no service has profiles in this range\n" : aligned(rows);
}

int show_digest(const std::string& body, bool json, bool markdown) {
  if (json || markdown) return markdown ? print_untrusted(body) : print_bytes(body), kExitGood;
  auto digest = findings::parse_digest(body);
  if (!digest) return print_error(digest.error());
  print_untrusted(findings::digest_text(*digest));
  return digest->error.empty() ? kExitGood : kExitFailed;
}

// One line of the stream of an analysis; sets the exit code once the digest has come.
void show_stream_line(std::string_view line, bool json, int& code) {
  if (json) {
    print_bytes(std::string(line) + "\n");
    code = kExitGood;
    return;
  }
  if (line.starts_with("{\"progress\":")) {
    auto root = parse_config(line);
    if (root) (void)write_all(STDERR_FILENO, escape_terminal(field(*root, "progress")) + "\n");
    return;
  }
  constexpr std::string_view kDigest = "{\"digest\":";
  if (line.starts_with(kDigest)) {
    code = show_digest(std::string(line.substr(kDigest.size(), line.size() - kDigest.size() - 1)), false, false);
    return;
  }
  auto root = parse_config(line);
  const ConfigValue* error = root ? root->find("error") : nullptr;
  if (error != nullptr)
    code = print_error(Error(ErrorCode::kNotFound, field(*error, "message")).hinted(field(*error, "hint")));
}

}  // namespace

int run_status(Words words) {
  CLI::App app("What the daemon is doing", "watchfire status");
  Common common;
  common.add_to(app, false);
  return run_app(app, words, [&] { return show_json(common, "/api/v1/status", {}, status_text); });
}

int run_targets(Words words) {
  CLI::App app("Scrape targets and their state", "watchfire targets");
  Common common;
  common.add_to(app, false);
  return run_app(app, words, [&] { return show_json(common, "/api/v1/targets", {}, targets_text); });
}

int run_services(Words words) {
  CLI::App app("Services with stored profiles", "watchfire services");
  Common common;
  common.add_to(app, true);
  return run_app(app, words, [&] { return show_json(common, "/api/v1/services", common.range(), services_text); });
}

int run_query(Words words) {
  CLI::App app("Any query as a pprof profile", "watchfire query");
  Common common;
  std::string selector, output;
  common.add_to(app, true);
  app.add_option("SELECTOR", selector, "such as process_cpu:cpu{service_name=\"api\"}")->required();
  app.add_option("--output,-o", output, "where the profile goes; without it, the matching series are listed");
  return run_app(app, words, [&] {
    Params params = common.range();
    params["selector"] = selector;
    if (output.empty()) {
      return show_json(common, "/api/v1/series", params, [](const ConfigValue& root) {
        std::vector<std::vector<std::string>> rows = {{"PROFILES", "TYPE", "LABELS"}};
        for (const ConfigValue& s : root.find("series")->items) {
          Labels labels;
          for (const auto& [name, value] : s.find("labels")->entries) labels[name] = value.scalar;
          rows.push_back({field(s, "profiles"), field(s, "type"), labels_text(labels)});
        }
        return rows.size() == 1 ? std::string("no series matches in this range\n") : aligned(rows);
      });
    }
    auto response = common.client().get("/api/v1/profile", params);
    if (!response) return print_error(response.error());
    if (output == "-") return print_bytes(response->body), kExitGood;
    Status written = write_output(output, response->body);
    return written ? kExitGood : print_file_error(written.error());
  });
}

int run_findings(Words words) {
  CLI::App app("Open findings", "watchfire findings");
  Common common;
  std::string service, accept;
  common.add_to(app, false);
  app.add_option("--service", service, "only this service's");
  app.add_option("--accept", accept, "mark the finding with this key as accepted");
  return run_app(app, words, [&] {
    if (!accept.empty()) {
      auto done = common.client().post("/api/v1/findings/accept", {{"key", accept}}, "");
      return done ? kExitGood : print_error(done.error());
    }
    Params params;
    if (!service.empty()) params["service"] = service;
    return show_json(common, "/api/v1/findings", params, [](const ConfigValue& root) {
      std::vector<std::vector<std::string>> rows = {{"LIFE", "SERVICE", "COST", "KEY", "FINDING"}};
      for (const ConfigValue& f : root.find("findings")->items)
        rows.push_back({field(f, "life"), field(f, "service"), field(f, "amount") + " " + field(f, "unit"),
                        field(f, "key"), field(f, "title")});
      return rows.size() == 1 ? std::string("no open findings\n") : aligned(rows);
    });
  });
}

int run_digest(Words words) {
  CLI::App app("The last digest, or a new one", "watchfire digest");
  Common common;
  bool now = false, markdown = false;
  common.add_to(app, true);
  app.add_flag("--now", now, "make one now and publish it");
  app.add_flag("--markdown", markdown, "print Markdown");
  return run_app(app, words, [&] {
    Params params = common.range();
    if (markdown) params["format"] = "markdown";
    auto response =
        now ? common.client().post("/api/v1/digest", params, "") : common.client().get("/api/v1/digest", params);
    if (!response) return print_error(response.error());
    return show_digest(response->body, common.json, markdown && !now);
  });
}

int run_doctor(Words words) {
  CLI::App app("Checks rights, kernel, symbols, disk and daemon", "watchfire doctor");
  Common common;
  common.add_to(app, false);
  return run_app(app, words, [&] {
    std::string state = "/";
    HostCheck daemon{"daemon", false, "", ""}, collector{"collector", false, "unknown while the daemon is down", ""};
    auto response = common.client().get("/api/v1/status");
    if (response) {
      auto root = parse_config(response->body);
      daemon = {"daemon", true, "answers on " + common.socket, ""};
      if (root) {
        state = field(*root, "state_directory");
        bool on = field(*root, "ebpf.connected") == "true";
        collector = {"collector", on, on ? "eBPF samples arrive" : "watchfire-collect is not connected",
                     on ? "" : "see its log: journalctl -u watchfire-collect, or run ./run as root"};
      }
    } else {
      daemon.text = response.error().message;
      daemon.remedy = response.error().hint;
      collector.remedy = "start the daemon first";
    }
    std::vector<HostCheck> checks = check_host("", state);
    checks.insert(checks.begin(), {daemon, collector});
    std::string out;
    bool all_good = true;
    for (const HostCheck& c : checks) {
      all_good = all_good && c.good;
      out +=
          (c.good ? "good  " : "BAD   ") + c.name + ": " + c.text + (c.remedy.empty() ? "" : " -> " + c.remedy) + "\n";
    }
    print_untrusted(out);
    return all_good ? kExitGood : kExitFailed;
  });
}

int run_push(Words words) {
  CLI::App app("Sends a profile file to the daemon", "watchfire push");
  Common common;
  std::string file, type;
  std::vector<std::string> labels;
  common.add_to(app, false);
  app.add_option("FILE", file, "a pprof profile, or a legacy one")->required();
  app.add_option("--label,-l", labels, "NAME=VALUE; service_name is required");
  app.add_option("--type", type, "profile name: process_cpu, memory ... (guessed from the sample types)");
  return run_app(app, words, [&] {
    Params params;
    for (const std::string& label : labels) {
      size_t equal = label.find('=');
      if (equal == std::string::npos) {
        print_error(Error(ErrorCode::kInvalidArgument, "'" + label + "' is no label").hinted("write NAME=VALUE"));
        return kExitUsage;
      }
      params[label.substr(0, equal)] = label.substr(equal + 1);
    }
    if (!type.empty()) params["profile_type"] = type;
    auto bytes = read_file(file, kMaxPushBytes);
    if (!bytes) return print_error(bytes.error());
    auto response = common.client().post("/api/v1/profiles", params, *std::move(bytes));
    if (!response) return print_error(response.error());
    print_untrusted(response->body);
    return kExitGood;
  });
}

int run_analyze(Words words) {
  CLI::App app("Analyses services now: those of the daemon, or profile files", "watchfire analyze");
  Common common;
  AnalyzeFiles offline;
  common.add_to(app, true);
  app.add_option("FILES", offline.files, "profiles or directories; without any, the daemon is asked");
  app.add_option("--base", offline.base, "profiles to compare the files with");
  app.add_option("--service", offline.service, "name of the service; without it, all of them");
  app.add_option("--rules", offline.rules_file, "rules to use with files instead of the built-in ones");
  app.add_flag("--markdown", offline.markdown, "print Markdown (files only)");
  return run_app(app, words, [&] {
    offline.json = common.json;
    if (!offline.files.empty()) return analyze_files(offline);
    Params params = common.range();
    if (!offline.service.empty()) params["service"] = offline.service;
    int code = kExitFailed;
    Status streamed = common.client().stream("/api/v1/analyze", params,
                                             [&](std::string_view line) { show_stream_line(line, common.json, code); });
    return streamed ? code : print_error(streamed.error());
  });
}

}  // namespace watchfire::cli
