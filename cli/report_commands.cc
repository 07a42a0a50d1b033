#include "cli/report_commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "base/untrusted_text.h"
#include "cli/profile_sources.h"
#include "cli/terminal.h"
#include "converters/demangle_names.h"
#include "converters/flamegraph/flame_graph.h"
#include "profile/named_report.h"

namespace watchfire::cli {
namespace {

using agent::Params;

// The report of files, as the daemon gives it of stored profiles.
int report_files(std::string_view report, const std::vector<std::string>& files, const Params& options, bool json) {
  std::vector<std::string> notes;
  auto read = read_sources(expand_sources(files), {}, notes);
  for (const std::string& note : notes) (void)write_all(STDERR_FILENO, escape_terminal(note) + "\n");
  if (!read) return print_error(read.error());
  profile::Profile& p = read->profile;
  converters::demangle_names(p, converters::DemangleMode::kDefault, false);
  profile::ReportParams params(options.begin(), options.end());
  auto text = json ? profile::report_json(p, report, params) : profile::report_text(p, report, params);
  if (!text) return print_error(text.error());
  if (json)
    print_bytes(*text + "\n");
  else
    print_untrusted(*text);
  return kExitGood;
}

// What top, tree and peek report on: files, or a stored service by --service and --type or a whole --selector.
struct ReportSource {
  std::vector<std::string> files;
  std::string service, type, selector;

  std::string selector_text() const {
    if (!selector.empty()) return selector;
    return (type.empty() ? "process_cpu:cpu" : type) + (service.empty() ? "" : "{service_name=\"" + service + "\"}");
  }
};

int run_report(std::string_view report, Words words, bool takes_function) {
  CLI::App app("Report on stored profiles, or on files: watchfire " + std::string(report));
  Common common;
  ReportSource source;
  std::string function;
  std::map<std::string, std::string> options;
  bool cum = false;
  common.add_to(app, true);
  app.add_option("--service", source.service, "name of the service");
  app.add_option("--type", source.type,
                 "profile type: process_cpu:cpu (default), memory:alloc_space ...; of files, the sample type");
  app.add_option("--selector", source.selector, "a whole selector instead of --service and --type");
  app.add_flag("--cum", cum, "sort by what functions cost with all they call");
  for (const char* name :
       {"focus", "ignore", "hide", "show", "show_from", "tagfocus", "tagroot", "granularity", "unit"})
    app.add_option(std::string("--") + name, options[name], "as pprof's option of this name");
  options["nodecount"] = report == "top" ? "30" : "";
  app.add_option("--nodecount", options["nodecount"], "how many rows");
  if (takes_function) app.add_option("FUNCTION", function, "regular expression on function names")->required();
  app.add_option("FILES", source.files, "profile files; without any, the daemon is asked");
  return run_app(app, words, [&] {
    Params params;
    for (const auto& [name, value] : options)
      if (!value.empty()) params[name] = value;
    if (cum) params["sort"] = "cum";
    if (takes_function) params["function"] = function;
    if (!source.files.empty()) {
      params["sample_index"] = source.type;
      return report_files(report, source.files, params, common.json);
    }
    params.merge(common.range());
    params["report"] = report;
    params["format"] = common.json ? "json" : "text";
    params["selector"] = source.selector_text();
    auto response = common.client().get("/api/v1/report", params);
    if (!response) return print_error(response.error());
    if (common.json)
      print_bytes(response->body);
    else
      print_untrusted(response->body);
    return kExitGood;
  });
}

}  // namespace

int run_top(Words words) {
  return run_report("top", words, false);
}
int run_tree(Words words) {
  return run_report("tree", words, false);
}
int run_peek(Words words) {
  return run_report("peek", words, true);
}

int run_flame(Words words) {
  CLI::App app("A flame graph as SVG: of files, or of a stored service", "watchfire flame");
  Common common;
  ReportSource source;
  std::string output;
  common.add_to(app, true);
  app.add_option("--service", source.service, "name of the service");
  app.add_option("--type", source.type, "profile type, or of files the sample type");
  app.add_option("--selector", source.selector, "a whole selector instead of --service and --type");
  app.add_option("--output,-o", output, "the SVG file; - for standard output")->required();
  app.add_option("FILES", source.files, "profile files; without any, the daemon is asked");
  return run_app(app, words, [&] {
    Result<std::string> svg = [&]() -> Result<std::string> {
      if (source.files.empty()) {
        Params params = common.range();
        params["selector"] = source.selector_text();
        WF_ASSIGN(auto response, common.client().get("/api/v1/flamegraph", params));
        return std::move(response.body);
      }
      std::vector<std::string> notes;
      WF_ASSIGN(SourcesRead read, read_sources(expand_sources(source.files), {}, notes));
      profile::Profile& p = read.profile;
      converters::demangle_names(p, converters::DemangleMode::kDefault, false);
      converters::FlameGraphOptions options;
      options.title = source.files.front();
      WF_ASSIGN(options.column, profile::sample_index(p, source.type));
      return converters::flame_graph_svg(p, options);
    }();
    if (!svg) return print_error(svg.error());
    if (output == "-") return print_bytes(*svg), kExitGood;
    Status written = write_file_atomically(output, *svg);
    return written ? kExitGood : print_error(written.error());
  });
}

}  // namespace watchfire::cli
