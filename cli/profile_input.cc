#include "cli/profile_input.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "base/untrusted_text.h"
#include "cli/profile_sources.h"
#include "cli/progress.h"
#include "cli/stored_profile.h"
#include "cli/terminal.h"
#include "converters/demangle_names.h"
#include "profile/filter.h"
#include "profile/prune.h"

namespace watchfire::cli {

void print_notes(const std::vector<std::string>& notes) {
  for (const std::string& note : notes) (void)write_all(STDERR_FILENO, escape_terminal(note) + "\n");
}

ProfileInput::ProfileInput() {
  for (const char* name :
       {"focus", "ignore", "hide", "show", "show_from", "prune_from", "tagfocus", "tagignore", "tagshow", "taghide",
        "tagroot", "tagleaf", "granularity", "unit", "nodecount", "nodefraction"})
    options[name];
}

void ProfileInput::add_sources(CLI::App& app, const std::string& files_help) {
  common.add_to(app, true);
  app.add_option("--service", service, "name of a stored service");
  app.add_option("--type", type,
                 "of the store, the profile type: process_cpu:cpu (default), memory:alloc_space ...; of files, the "
                 "sample type");
  app.add_option("--selector", selector, "a whole selector instead of --service and --type");
  app.add_option("--seconds", seconds, "how long a program at a URL measures")->check(CLI::PositiveNumber);
  app.add_option("FILES", files, files_help);
  limits.add_to(app);
}

void ProfileInput::add_filters(CLI::App& app) {
  const std::map<std::string, std::string> helps = {
      {"focus", "only samples through a frame that matches"},
      {"ignore", "no samples through a frame that matches"},
      {"hide", "leave out frames that match"},
      {"show", "leave only frames that match"},
      {"show_from", "cut all above the highest frame that matches"},
      {"prune_from", "cut the frame that matches and all it calls"},
      {"tagfocus", "only samples with this label: REGEX, KEY=REGEX or a range such as 1kb:2mb"},
      {"tagignore", "no samples with this label"},
      {"tagshow", "leave only labels that match"},
      {"taghide", "leave out labels that match"},
      {"tagroot", "labels, with commas between, as frames at the root"},
      {"tagleaf", "labels, with commas between, as frames at the leaf"},
      {"granularity", "functions, filefunctions, files, lines or addresses"},
      {"unit", "unit of the values: s, ms, MB ..."},
      {"nodecount", "how many rows at most"},
      {"nodefraction", "leave out rows below this share"}};
  app.add_flag("--cum", cum, "sort by what functions cost with all they call");
  for (auto& [name, value] : options) {
    std::string flags = "--" + name;
    if (name == "tagfocus") flags += ",--tag";
    if (size_t at = name.find('_'); at != std::string::npos)
      flags += ",--" + name.substr(0, at) + "-" + name.substr(at + 1);
    app.add_option(flags, value, helps.at(name));
  }
}

void ProfileInput::add_output(CLI::App& app) {
  app.add_option("--output,-o", output, "write to this file instead of standard output");
  app.add_option("--color", color, "auto, always or never")->check(CLI::IsMember({"auto", "always", "never"}));
}

std::string ProfileInput::selector_text() const {
  if (!selector.empty()) return selector;
  return (type.empty() ? "process_cpu:cpu" : type) + (service.empty() ? "" : "{service_name=\"" + service + "\"}");
}

profile::ReportParams ProfileInput::params() const {
  profile::ReportParams params;
  for (const auto& [name, value] : options)
    if (!value.empty()) params[name] = value;
  if (cum) params["sort"] = "cum";
  return params;
}

Result<SourceOptions> ProfileInput::source_options() const {
  SourceOptions options;
  options.socket = common.socket;
  options.seconds = seconds;
  WF_ASSIGN(options.limits, limits.limits());
  options.say = [](std::string_view line) { print_notes({std::string(line)}); };
  return options;
}

Result<profile::Profile> ProfileInput::load(const std::vector<std::string>& names) const {
  WF_ASSIGN(SourceOptions options, source_options());
  std::vector<std::string> notes;
  Result<SourcesRead> read = SourcesRead();
  if (names.empty()) {
    agent::Params params = common.range();
    params["selector"] = selector_text();
    auto bytes = fetch_stored(common.client(), params, notes);
    if (!bytes) return fail(std::move(bytes).error());
    WF_ASSIGN(read->profile, decode_source(*bytes, options));
  } else {
    Progress progress("reading " + (names.size() == 1 ? names[0] : std::to_string(names.size()) + " profiles"));
    std::vector<std::string> expanded = expand_sources(names);
    read = read_sources(expanded, options, notes);
    // A single source that fails tells its own reason.
    if (!read && expanded.size() == 1 && notes.size() == 1) read = fail(read.error().code, std::exchange(notes, {})[0]);
  }
  print_notes(notes);
  if (!read) return fail(std::move(read).error());
  converters::demangle_names(read->profile, converters::DemangleMode::kDefault, false);
  return std::move(read->profile);
}

Result<profile::Profile> ProfileInput::load_for_report(const std::vector<std::string>& names) const {
  auto p = load(names);
  if (p) profile::prune_uninteresting(*p);
  return p;
}

int ProfileInput::show(const std::string& text) const {
  if (!output.empty() && output != "-") return write(text);
  print_bytes(for_terminal(escape_lines(text), color_wanted(color), terminal_width()));
  return kExitGood;
}

int ProfileInput::write(const std::string& bytes) const {
  if (output.empty() || output == "-") return print_bytes(bytes), kExitGood;
  Status written = write_output(output, bytes);
  return written ? kExitGood : print_file_error(written.error());
}

Status filter_samples(profile::Profile& p, const profile::ReportParams& params) {
  WF_ASSIGN(profile::ReportOptions options, profile::read_report_options(params));
  std::vector<std::string> notes;
  auto units = profile::label_units(p, notes);
  Status done = profile::apply_filters(p, options.filters, units, notes);
  print_notes(notes);
  return done;
}

bool would_fill_terminal(const std::string& output) {
  return (output.empty() || output == "-") && isatty(STDOUT_FILENO) == 1;
}

int refuse_terminal() {
  print_error(Error(ErrorCode::kInvalidArgument, "this is no text for a terminal").hinted("name a file with --output"));
  return kExitUsage;
}

}  // namespace watchfire::cli
