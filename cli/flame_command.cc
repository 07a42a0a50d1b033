#include "cli/flame_command.h"

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "converters/flamegraph/flame_graph.h"
#include "converters/flamegraph/flame_page.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

/// Makes two profiles comparable, column by column.
Status align(Profile& p, Profile& base, bool normalize) {
  std::vector<Profile*> both = {&p, &base};
  WF_TRY(profile::keep_common_sample_types(both));
  WF_TRY(profile::harmonize_units(both));
  return normalize ? profile::normalize(p, base) : Status{};
}

Result<std::string> compare_and_draw(const ProfileInput& input, Profile& p, std::optional<Profile>& base,
                                     const FlameChoice& choice) {
  if (base) WF_TRY(align(p, *base, choice.normalize));
  WF_TRY(filter_samples(p, input.params()));
  if (base) WF_TRY(filter_samples(*base, input.params()));
  return draw_flame(p, base ? &*base : nullptr, choice);
}

}  // namespace

Result<std::string> draw_flame(const Profile& p, const Profile* base, const FlameChoice& choice) {
  WF_ASSIGN(size_t column, profile::sample_index(p, choice.type));
  if (choice.html) {
    return converters::flame_graph_page(p, {.title = choice.title,
                                            .column = column,
                                            .inverted = choice.inverted,
                                            .reversed = choice.reversed,
                                            .base = base,
                                            .negate = choice.negate});
  }
  return converters::flame_graph_svg(p, {.title = choice.title,
                                         .inverted = choice.inverted,
                                         .reversed = choice.reversed,
                                         .column = column,
                                         .base = base,
                                         .negate = choice.negate});
}

int show_flame(const ProfileInput& input, Profile p, std::optional<Profile> base, FlameChoice choice) {
  if (would_fill_terminal(input.output)) return refuse_terminal();
  choice.html = choice.html || input.output.ends_with(".html");
  if (choice.title.empty()) {
    for (const std::string& file : input.files) choice.title += (choice.title.empty() ? "" : " ") + file;
    if (choice.title.size() > 300) choice.title = std::to_string(input.files.size()) + " profiles";
    if (input.files.empty()) choice.title = input.selector_text();
  }
  bool was_empty = p.sample_count() == 0;
  auto picture = compare_and_draw(input, p, base, choice);
  if (!picture) return print_error(picture.error());
  int code = input.write(*picture);
  return code == kExitGood && !was_empty && p.sample_count() == 0 ? kExitNothing : code;
}

int run_flame(Words words) {
  CLI::App app("A flame graph as SVG, or as a page of HTML to explore", "watchfire flame");
  ProfileInput input;
  FlameChoice choice;
  std::vector<std::string> bases;
  input.add_sources(app, "profiles: files, URLs, - ; without any, the daemon's store is asked");
  input.add_filters(app);
  input.add_output(app);
  app.add_flag("--html", choice.html, "a page with search, zoom, callers and callees; also if --output ends with .html")
      ->excludes("--json");
  app.add_flag("--inverted", choice.inverted, "root on top (an icicle)");
  app.add_flag("--reversed", choice.reversed, "stacks from the leaf on: who calls what");
  auto* base_option = app.add_option("--base", bases, "profile to compare with: red costs more than there, blue less");
  base_option->excludes("--json");
  app.add_flag("--negate", choice.negate, "blue for more and red for less")->needs(base_option);
  app.add_flag("--normalize", choice.normalize, "scale to the total of --base first")->needs(base_option);
  app.add_option("--title", choice.title, "heading of the picture");
  return run_app(app, words, [&] {
    if (would_fill_terminal(input.output) && !input.common.json) return refuse_terminal();
    auto p = input.load_for_report(input.files);
    if (!p) return print_error(p.error());
    choice.type = input.files.empty() ? "" : input.type;
    if (input.common.json) {
      profile::ReportParams params = input.params();
      params["sample_index"] = choice.type;
      auto tree = profile::report_json(*p, "tree", params);
      return tree ? input.write(*tree + "\n") : print_error(tree.error());
    }
    std::optional<Profile> base;
    if (!bases.empty()) {
      auto read = input.load_for_report(bases);
      if (!read) return print_error(read.error());
      base = *std::move(read);
    }
    return show_flame(input, *std::move(p), std::move(base), choice);
  });
}

}  // namespace watchfire::cli
