#include "cli/pprof_commands.h"

#include <algorithm>
#include <vector>

#include "cli/pprof_config.h"

namespace watchfire::cli {
namespace {

using profile::ReportKind;

constexpr std::string_view kDraw = "write dot and draw it with graphviz, or use `watchfire flame`";
constexpr std::string_view kListing = "use list for source lines";

constexpr PprofCommand kCommands[] = {
    {"callgrind", ReportKind::kCallgrind, false, "the graph for KCachegrind", "callgraph.out"},
    {"comments", ReportKind::kComments, false, "what the profile says about itself"},
    {"disasm", ReportKind::kList, true, "assembly with samples", {}, kListing},
    {"dot", ReportKind::kDot, false, "the graph for graphviz"},
    {"eog", ReportKind::kDot, false, "the graph in eog", {}, kDraw},
    {"evince", ReportKind::kDot, false, "the graph in evince", {}, kDraw},
    {"gif", ReportKind::kDot, false, "the graph as GIF", {}, kDraw},
    {"gv", ReportKind::kDot, false, "the graph in gv", {}, kDraw},
    {"kcachegrind", ReportKind::kCallgrind, false, "the graph in KCachegrind", {}, "write callgrind and open it there"},
    {"list", ReportKind::kList, true, "source lines of functions that match, with samples"},
    {"pdf", ReportKind::kDot, false, "the graph as PDF", {}, kDraw},
    {"peek", ReportKind::kPeek, true, "callers and callees of functions that match"},
    {"png", ReportKind::kDot, false, "the graph as PNG", {}, kDraw},
    {"proto", ReportKind::kProto, false, "the profile as pprof file", "pb.gz"},
    {"ps", ReportKind::kDot, false, "the graph as PostScript", {}, kDraw},
    {"raw", ReportKind::kRaw, false, "everything in the profile as text"},
    {"svg", ReportKind::kDot, false, "the graph as SVG", {}, kDraw},
    {"tags", ReportKind::kTags, false, "labels and what each value costs"},
    {"text", ReportKind::kTop, false, "functions by cost"},
    {"top", ReportKind::kTop, false, "functions by cost"},
    {"topproto", ReportKind::kTopProto, false, "the rows of top as pprof file", "pb.gz"},
    {"traces", ReportKind::kTraces, false, "every sample with its stack"},
    {"tree", ReportKind::kTree, false, "each function between its callers and callees"},
    {"web", ReportKind::kDot, false, "the graph in a browser", {}, kDraw},
    {"weblist", ReportKind::kList, true, "source and assembly in a browser", {}, kListing},
};

std::string row(std::string name, std::string_view help) {
  name.resize(std::max<size_t>(name.size() + 1, 22), ' ');
  return "  " + name + std::string(help) + "\n";
}

std::string usage_of(const PprofCommand& c) {
  std::string usage = std::string(c.name) + (c.takes_regex ? " REGEX" : "");
  if (c.kind == ReportKind::kTags) return usage + " [LABEL_REGEX]... [-LABEL_REGEX]... [>FILE]";
  return usage + " [N] [FOCUS_REGEX]... [-IGNORE_REGEX]... [-cum] [>FILE]";
}

}  // namespace

std::span<const PprofCommand> pprof_commands() {
  return kCommands;
}

const PprofCommand* find_pprof_command(std::string_view name) {
  for (const PprofCommand& c : kCommands)
    if (c.name == name) return &c;
  return nullptr;
}

Error refusal_of(const PprofCommand& command, std::string_view written) {
  return Error(ErrorCode::kUnsupported, "not supported yet: " + std::string(written))
      .hinted(std::string(command.refusal));
}

std::string command_and_variable_help(std::string_view dash) {
  std::string out = dash.empty() ? "Commands:\n" : "Reports, one at most:\n";
  std::string d(dash);
  std::string refused;
  for (const PprofCommand& c : kCommands) {
    if (c.refusal.empty())
      out += row(d + std::string(c.name) + (c.takes_regex ? (dash.empty() ? " REGEX" : "=REGEX") : ""), c.help);
    else
      refused += " " + d + std::string(c.name);
  }
  if (dash.empty()) {
    out += row("o, options", "all variables and their values");
    out += row(":", "clear focus, ignore, hide, tagfocus and tagignore");
    out += row("help NAME", "more about a command or variable");
    out += row("q, quit, exit", "end");
  }
  out += "  not supported yet:" + refused + "\n\nVariables:\n";
  std::vector<std::string> rows;
  std::string groups;
  for (const ConfigField& f : config_fields()) {
    if (f.choices.empty()) {
      rows.push_back(row(d + std::string(f.name), f.help));
      continue;
    }
    groups += "\n" + std::string(f.name) + ", " + std::string(f.help) + ":\n";
    for (std::string_view choice : f.choices) groups += row(d + std::string(choice), choice_help(choice));
  }
  std::ranges::sort(rows);
  for (const std::string& r : rows) out += r;
  return out + groups;
}

std::string help_on(std::string_view name) {
  if (const PprofCommand* c = find_pprof_command(name)) {
    std::string out = std::string(c->help) + "\n";
    if (!c->refusal.empty()) return out + "not supported yet: " + std::string(c->refusal) + "\n";
    return out + "usage: " + usage_of(*c) + "\n";
  }
  if (std::string_view choice = choice_help(name); !choice.empty()) return std::string(choice) + "\n";
  const ConfigField* f = find_config_field(name);
  return f == nullptr ? "" : std::string(f->help) + "\n";
}

}  // namespace watchfire::cli
