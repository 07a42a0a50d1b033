#include "cli/pprof_options.h"

#include <map>

#include "cli/go_flags.h"
#include "cli/limit_flags.h"

namespace watchfire::cli {
namespace {

/// Flags that stand for a -sample_index.
struct IndexShortcut {
  std::string_view name;
  std::string_view type;
};
constexpr IndexShortcut kShortcuts[] = {{"total_delay", "delay"},           {"mean_delay", "delay"},
                                        {"contentions", "contentions"},     {"inuse_space", "inuse_space"},
                                        {"inuse_objects", "inuse_objects"}, {"alloc_space", "alloc_space"},
                                        {"alloc_objects", "alloc_objects"}};

/// The variables behind all flags.
class Parser {
 public:
  Parser() {
    add_config_flags();
    for (const PprofCommand& c : pprof_commands()) {
      if (c.takes_regex)
        flags_.add(std::string(c.name), &command_regex_[c.name]);
      else
        flags_.add(std::string(c.name), &set_[c.name]);
    }
    for (const IndexShortcut& s : kShortcuts) flags_.add(std::string(s.name), &set_[s.name]);
    add_source_flags();
    limits_.add_to(flags_);
  }

  Result<PprofOptions> run(std::span<const std::string_view> words, std::vector<std::string>& notes) {
    WF_ASSIGN(options_.sources, flags_.parse(words));
    if (!http_.empty())
      return fail(Error(ErrorCode::kUnsupported, "not supported yet: -http")
                      .hinted("use the shell, a report such as -top, or `watchfire flame`"));
    if (no_browser_) return fail(ErrorCode::kInvalidArgument, "-no_browser only makes sense with -http");
    if (options_.sources.empty()) return fail(ErrorCode::kInvalidArgument, "no profile source specified");
    WF_TRY(take_choices());
    WF_TRY(take_command());
    take_shortcuts(notes);
    WF_TRY(take_bases());
    WF_ASSIGN(options_.source.limits, limits_.limits());
    return std::move(options_);
  }

 private:
  void add_config_flags() {
    for (const ConfigField& f : config_fields()) {
      if (!f.choices.empty()) {
        for (std::string_view choice : f.choices) flags_.add(std::string(choice), &set_[choice]);
        continue;
      }
      std::visit([&](auto* target) { flags_.add(std::string(f.name), target); }, f.target(options_.config));
    }
  }

  void add_source_flags() {
    SourceOptions& s = options_.source;
    flags_.add("symbolize", &options_.symbolize);
    flags_.add("buildid", &s.build_id);
    flags_.add("add_comment", &options_.comment);
    flags_.add("all_frames", &options_.all_frames);
    flags_.add("seconds", &s.seconds);
    flags_.add("timeout", &s.timeout);
    flags_.add("tls_cert", &s.tls.cert_file);
    flags_.add("tls_key", &s.tls.key_file);
    flags_.add("tls_ca", &s.tls.ca_file);
    flags_.add("socket", &s.socket);
    flags_.add("tools", &ignored_text_);
    flags_.add("http", &http_);
    flags_.add("no_browser", &no_browser_);
    flags_.add("base", &bases_);
    flags_.add("diff_base", &diff_bases_);
  }

  Status take_choices() {
    for (const ConfigField& f : config_fields()) {
      std::string chosen;
      for (std::string_view choice : f.choices) {
        if (!set_[choice]) continue;
        if (!chosen.empty())
          return fail(ErrorCode::kInvalidArgument,
                      "conflicting options set: [" + chosen + " " + std::string(choice) + "]");
        chosen = choice;
      }
      if (!chosen.empty()) WF_TRY(configure(options_.config, f.name, chosen));
    }
    return {};
  }

  Status take_command() {
    for (const PprofCommand& c : pprof_commands()) {
      if (!set_[c.name] && command_regex_[c.name].empty()) continue;
      if (options_.command != nullptr) return fail(ErrorCode::kInvalidArgument, "must set at most one output format");
      options_.command = &c;
      options_.symbol = command_regex_[c.name];
    }
    if (options_.command == nullptr || options_.command->refusal.empty()) return {};
    return fail(refusal_of(*options_.command, "-" + std::string(options_.command->name)));
  }

  void take_shortcuts(std::vector<std::string>& notes) {
    profile::ReportOptions& report = options_.config.report;
    for (const IndexShortcut& s : kShortcuts) {
      if (!set_[s.name]) continue;
      if (report.sample_index.empty())
        report.sample_index = s.type;
      else
        notes.push_back("Multiple value selections, ignoring -" + std::string(s.name));
    }
    if (set_["mean_delay"]) report.mean = true;
  }

  Status take_bases() {
    std::erase(bases_, "");
    std::erase(diff_bases_, "");
    if (!bases_.empty() && !diff_bases_.empty()) {
      return fail(ErrorCode::kInvalidArgument, "-base and -diff_base flags cannot both be specified");
    }
    options_.diff_base = !diff_bases_.empty();
    options_.bases = options_.diff_base ? diff_bases_ : bases_;
    if (options_.config.normalize && options_.bases.empty()) {
      return fail(ErrorCode::kInvalidArgument, "must have base profile to normalize by");
    }
    return {};
  }

  PprofOptions options_;
  GoFlags flags_;
  LimitFlags limits_;
  std::map<std::string_view, bool> set_;
  std::map<std::string_view, std::string> command_regex_;
  std::vector<std::string> bases_;
  std::vector<std::string> diff_bases_;
  bool no_browser_ = false;
  std::string http_;
  std::string ignored_text_;
};

}  // namespace

Result<PprofOptions> parse_pprof_options(std::span<const std::string_view> words, std::vector<std::string>& notes) {
  return Parser().run(words, notes);
}

std::string pprof_usage() {
  return "usage: watchfire pprof [REPORT] [OPTION]... [BINARY] SOURCE...\n"
         "\n"
         "Reports on profiles the way `go tool pprof` does, with its flags, its output and its shell. Without a\n"
         "report it reads commands: from you on a terminal, else from standard input.\n"
         "\n"
         "A source is a profile file, a pattern such as 'dir/*.pb.gz', a URL, HOST:PORT (of a program with pprof's\n"
         "handlers), - for standard input, or store:SELECTOR@RANGE of the daemon's store, such as\n"
         "'store:process_cpu:cpu{service_name=\"api\"}@1h' or ...@now-2h..now-1h. Several are merged.\n"
         "\n" +
         command_and_variable_help("-") +
         "\n"
         "Sources:\n"
         "  -seconds N            how long a program at a URL shall measure\n"
         "  -timeout N            seconds to wait for a URL\n"
         "  -tls_cert, -tls_key, -tls_ca FILE\n"
         "                        certificate and key of this client, certificates of the server's issuer;\n"
         "                        a URL with https+insecure:// takes any server\n"
         "  -base SOURCE          subtract these profiles\n"
         "  -diff_base SOURCE     as -base, with percentages of the base\n"
         "  -buildid ID           of a main binary that has none\n"
         "  -symbolize MODE       none, local, remote, demangle=full|none|templates, force\n"
         "  -add_comment TEXT     add to the profile's comments\n"
         "  -all_frames           keep frames the profile asks to drop\n"
         "  -socket PATH          control socket of the daemon, for store:\n"
         "  -limit-NAME N         how much a profile may hold; `watchfire help limits` lists them\n"
         "  -inuse_space -inuse_objects -alloc_space -alloc_objects -total_delay -contentions -mean_delay\n"
         "                        sample_index by another name\n"
         "\n"
         "A profile fetched from a URL is kept in $PPROF_TMPDIR, else in ~/pprof.\n"
         "Exit status: 0, or 2 on any failure, as pprof's.\n";
}

}  // namespace watchfire::cli
