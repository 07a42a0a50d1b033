#include "cli/report_commands.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/flame_command.h"
#include "cli/json_reports.h"
#include "cli/profile_input.h"
#include "cli/profile_sources.h"
#include "cli/terminal.h"
#include "converters/folded/encode.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;
using profile::ReportParams;

/// One report by name.
struct NamedCommand {
  std::string_view name;
  std::string_view summary;
  bool takes_function = false;
  bool served = true;  ///< the daemon gives it as text
  bool json_served = true;
};
constexpr NamedCommand kTop{"top", "Functions by cost"};
constexpr NamedCommand kTree{"tree", "Each function between its callers and callees; with --json a call tree"};
constexpr NamedCommand kPeek{"peek", "Callers and callees of functions that match", true};
constexpr NamedCommand kList{"list", "Source lines of functions that match, with what each costs", true, false, false};
constexpr NamedCommand kTraces{"traces", "Every sample with its labels and stack", false, true, false};
constexpr NamedCommand kTags{"tags", "Labels, and what each of their values costs", false, true, false};

profile::ReportKind kind_of(std::string_view name) {
  using profile::ReportKind;
  constexpr std::pair<std::string_view, ReportKind> kKinds[] = {{"tree", ReportKind::kTree},
                                                                {"peek", ReportKind::kPeek},
                                                                {"list", ReportKind::kList},
                                                                {"traces", ReportKind::kTraces},
                                                                {"tags", ReportKind::kTags}};
  for (const auto& [known, kind] : kKinds)
    if (known == name) return kind;
  return ReportKind::kTop;
}

Result<std::string> print(profile::Report& r) {
  switch (r.kind()) {
    case profile::ReportKind::kTree:
    case profile::ReportKind::kPeek:
      return print_tree(r);
    case profile::ReportKind::kList:
      return print_list(r);
    case profile::ReportKind::kTraces:
      return profile::collect_text([&](const profile::TextSink& sink) { print_traces(r, sink); });
    case profile::ReportKind::kTags:
      return print_tags(r);
    default:
      return print_top(r);
  }
}

Result<std::string> json_of(const Profile& p, std::string_view name, const ReportParams& params) {
  if (name == "list") return list_json(p, params);
  if (name == "traces") return traces_json(p, params);
  if (name == "tags") return tags_json(p, params);
  return profile::report_json(p, name, params);
}

int show_report(const ProfileInput& input, std::string_view name, const Profile& p, const ReportParams& params) {
  if (p.sample_count() == 0) return print_error(Error(ErrorCode::kNotFound, "the profile has no samples"));
  auto options = profile::read_report_options(params);
  if (!options) return print_error(options.error()), kExitUsage;
  options->source_path = input.source_path;
  options->trim_path = input.trim_path;
  auto function = params.find("function");
  std::string symbol = function == params.end() ? "" : function->second;
  std::vector<std::string> notes;
  auto report = profile::Report::prepare(p, kind_of(name), *std::move(options), symbol, notes);
  print_notes(notes);
  if (!report) return print_error(report.error());
  bool empty = (*report)->profile().sample_count() == 0;
  auto text = input.common.json ? json_of(p, name, params) : print(**report);
  if (!text) return print_error(text.error());
  int code = input.common.json ? input.write(*text + "\n") : input.show(*text);
  return code == kExitGood && empty ? kExitNothing : code;
}

int ask_daemon(const ProfileInput& input, std::string_view name, const ReportParams& options) {
  agent::Params params = input.common.range();
  for (const auto& [key, value] : options) params[key] = value;
  params["report"] = name;
  params["format"] = input.common.json ? "json" : "text";
  params["selector"] = input.selector_text();
  auto response = input.common.client().get("/api/v1/report", params);
  if (!response) return print_error(response.error());
  return input.common.json ? input.write(response->body) : input.show(response->body);
}

/// A file stands where the function should.
int refuse_missing_function(std::string_view command, const std::string& file) {
  print_error(Error(ErrorCode::kInvalidArgument, "FUNCTION is missing: " + file + " is a file")
                  .hinted("watchfire " + std::string(command) + " FUNCTION " + file));
  return kExitUsage;
}

int run_report(const NamedCommand& command, Words words) {
  CLI::App app(std::string(command.summary), "watchfire " + std::string(command.name));
  ProfileInput input;
  std::string function;
  if (command.takes_function) app.add_option("FUNCTION", function, "regular expression on function names")->required();
  input.add_sources(app, "profiles: files, URLs, - ; without any, the daemon's store is asked");
  input.add_filters(app);
  input.add_output(app);
  if (command.name == kList.name) {
    app.add_option("--source-path", input.source_path, "where sources are looked for, directories with : between");
    app.add_option("--trim-path", input.trim_path, "what is cut off the sources' paths before");
  }
  if (command.name == "top") input.options["nodecount"] = "30";
  return run_app(app, words, [&] {
    ReportParams params = input.params();
    if (command.takes_function) params["function"] = function;
    bool served = input.common.json ? command.json_served : command.served;
    if (command.takes_function && input.files.empty() && access(function.c_str(), F_OK) == 0)
      return refuse_missing_function(command.name, function);
    if (input.files.empty() && served) return ask_daemon(input, command.name, params);
    if (!input.files.empty() && !input.type.empty()) params["sample_index"] = input.type;
    auto p = input.load_for_report(input.files);
    return p ? show_report(input, command.name, *p, params) : print_error(p.error());
  });
}

/// `after` with the samples of `before` counted against it.
Result<Profile> difference(Profile before, Profile after, bool normalize) {
  std::vector<Profile> both;
  std::vector<Profile*> pointers = {&after, &before};
  WF_TRY(profile::keep_common_sample_types(pointers));
  WF_TRY(profile::harmonize_units(pointers));
  if (normalize) WF_TRY(profile::normalize(after, before));
  profile::set_label(before, "pprof::base", "true");
  profile::scale_values(before, -1);
  both.push_back(std::move(after));
  both.push_back(std::move(before));
  return combine(std::move(both));
}

}  // namespace

int run_top(Words words) {
  return run_report(kTop, words);
}
int run_tree(Words words) {
  return run_report(kTree, words);
}
int run_peek(Words words) {
  return run_report(kPeek, words);
}
int run_list(Words words) {
  return run_report(kList, words);
}
int run_traces(Words words) {
  return run_report(kTraces, words);
}
int run_tags(Words words) {
  return run_report(kTags, words);
}

int run_diff(Words words) {
  CLI::App app("What became more (positive) and less (negative) from BASE to FILE", "watchfire diff");
  ProfileInput input;
  bool normalize = false, folded = false, tree = false, flame = false;
  FlameChoice choice;
  input.add_sources(app, "BASE and FILE: files, URLs or store:SELECTOR@RANGE");
  app.get_option("FILES")->required()->expected(2);
  input.add_filters(app);
  input.add_output(app);
  app.add_flag("--normalize", normalize, "scale FILE to the total of BASE first");
  app.add_flag("--tree", tree, "callers and callees instead of rows");
  app.add_flag("--folded", folded, "folded stacks with both counts, for flamegraph.pl");
  app.add_flag("--flame", flame, "a flame graph of FILE, red where it costs more than BASE; HTML if so named")
      ->excludes("--tree", "--folded", "--json");
  app.add_flag("--html", choice.html, "with --flame: a page to explore")->needs("--flame");
  input.options["nodecount"] = "30";
  return run_app(app, words, [&] {
    ReportParams params = input.params();
    params["sample_index"] = input.type;
    auto before = input.load_for_report({input.files[0]});
    if (!before) return print_error(before.error());
    auto after = input.load_for_report({input.files[1]});
    if (!after) return print_error(after.error());
    if (flame) {
      choice.type = input.type;
      choice.normalize = normalize;
      return show_flame(input, *std::move(after), *std::move(before), choice);
    }
    if (folded) {
      auto column = profile::sample_index(*before, input.type), other = profile::sample_index(*after, input.type);
      if (!column || !other) return print_error((column ? other : column).error());
      return input.write(converters::encode_folded_difference(*before, *column, *after, *other));
    }
    auto p = difference(*std::move(before), *std::move(after), normalize);
    return p ? show_report(input, tree ? "tree" : "top", *p, params) : print_error(p.error());
  });
}

}  // namespace watchfire::cli
