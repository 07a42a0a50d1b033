#include "cli/pprof_config.h"

#include <algorithm>

#include "cli/go_text.h"

namespace watchfire::cli {
namespace {

using profile::Granularity;
using Target = ConfigField::Target;

constexpr std::string_view kSorts[] = {"cum", "flat"};
constexpr std::string_view kGranularities[] = {"functions", "filefunctions", "files", "lines", "addresses"};

struct ChoiceHelp {
  std::string_view name;
  std::string_view help;
};
constexpr ChoiceHelp kChoiceHelp[] = {
    {"cum", "order rows by what they cost with all they call"},
    {"flat", "order rows by what they cost themselves"},
    {"functions", "a row a function, wherever it was defined"},
    {"filefunctions", "a row a function and file"},
    {"files", "a row a source file"},
    {"lines", "a row a source line"},
    {"addresses", "a row an address"},
};

constexpr ConfigField kFields[] = {
    {"output", [](PprofConfig& c) -> Target { return &c.output; }, "file to write the report to"},
    {"call_tree", [](PprofConfig& c) -> Target { return &c.report.call_tree; },
     "graphs keep each path to a function apart"},
    {"relative_percentages", [](PprofConfig& c) -> Target { return &c.report.relative_percentages; },
     "percentages of what the filters leave, not of all"},
    {"unit", [](PprofConfig& c) -> Target { return &c.report.unit; },
     "unit of the values: s, ms, MB ..., auto, minimum"},
    {"compact_labels", [](PprofConfig& c) -> Target { return &c.report.compact_labels; }, "short headers"},
    {"source_path", [](PprofConfig& c) -> Target { return &c.report.source_path; },
     "where source files are looked for"},
    {"trim_path", [](PprofConfig& c) -> Target { return &c.report.trim_path; },
     "what is cut from source paths before looking"},
    {"intel_syntax", [](PprofConfig& c) -> Target { return &c.intel_syntax; }, "accepted; there is no disassembly"},
    {"mean", [](PprofConfig& c) -> Target { return &c.report.mean; }, "values divided by those of the first type"},
    {"sample_index", [](PprofConfig& c) -> Target { return &c.report.sample_index; },
     "which value to report: a number from 0, or a name"},
    {"divide_by", [](PprofConfig& c) -> Target { return &c.report.divide_by; }, "values are divided by this number"},
    {"normalize", [](PprofConfig& c) -> Target { return &c.normalize; }, "scale the profile to the base's total"},
    {"sort", [](PprofConfig& c) -> Target { return &c.sort; }, "order of the rows", kSorts},
    {"tagroot", [](PprofConfig& c) -> Target { return &c.report.tagroot; },
     "labels, with commas between, as frames at the root"},
    {"tagleaf", [](PprofConfig& c) -> Target { return &c.report.tagleaf; },
     "labels, with commas between, as frames at the leaf"},
    {"drop_negative", [](PprofConfig& c) -> Target { return &c.report.drop_negative; },
     "leave out negative differences"},
    {"nodecount", [](PprofConfig& c) -> Target { return &c.report.node_count; }, "how many rows or nodes at most"},
    {"nodefraction", [](PprofConfig& c) -> Target { return &c.report.node_fraction; },
     "leave out nodes below this share of the total"},
    {"edgefraction", [](PprofConfig& c) -> Target { return &c.report.edge_fraction; },
     "leave out edges below this share of the total"},
    {"trim", [](PprofConfig& c) -> Target { return &c.report.trim; },
     "honour nodecount, nodefraction and edgefraction"},
    {"focus", [](PprofConfig& c) -> Target { return &c.report.filters.focus; },
     "only samples through a frame that matches"},
    {"ignore", [](PprofConfig& c) -> Target { return &c.report.filters.ignore; },
     "no samples through a frame that matches"},
    {"prune_from", [](PprofConfig& c) -> Target { return &c.report.filters.prune_from; },
     "cut the frame that matches and all it calls"},
    {"hide", [](PprofConfig& c) -> Target { return &c.report.filters.hide; }, "leave out frames that match"},
    {"show", [](PprofConfig& c) -> Target { return &c.report.filters.show; }, "leave only frames that match"},
    {"show_from", [](PprofConfig& c) -> Target { return &c.report.filters.show_from; },
     "cut all above the highest frame that matches"},
    {"tagfocus", [](PprofConfig& c) -> Target { return &c.report.filters.tagfocus; },
     "only samples with a label that matches or lies in range"},
    {"tagignore", [](PprofConfig& c) -> Target { return &c.report.filters.tagignore; },
     "no samples with a label that matches or lies in range"},
    {"tagshow", [](PprofConfig& c) -> Target { return &c.report.filters.tagshow; }, "leave only labels that match"},
    {"taghide", [](PprofConfig& c) -> Target { return &c.report.filters.taghide; }, "leave out labels that match"},
    {"noinlines", [](PprofConfig& c) -> Target { return &c.report.no_inlines; },
     "what was inlined counts for its caller"},
    {"showcolumns", [](PprofConfig& c) -> Target { return &c.report.show_columns; }, "columns beside line numbers"},
    {"granularity", [](PprofConfig& c) -> Target { return &c.granularity; }, "what a row stands for", kGranularities},
};

bool has(std::span<const std::string_view> choices, std::string_view name) {
  return std::ranges::find(choices, name) != choices.end();
}

Status assign(const ConfigField& field, PprofConfig& config, std::string_view value) {
  Target target = field.target(config);
  if (auto* flag = std::get_if<bool*>(&target)) return go_bool_assign(value, **flag);
  if (auto* integer = std::get_if<int*>(&target)) return go_atoi(value, **integer);
  if (auto* number = std::get_if<double*>(&target)) return go_parse_float(value, **number);
  if (!field.choices.empty() && !has(field.choices, value)) {
    return fail(ErrorCode::kInvalidArgument, "invalid " + go_quote(field.name) + " value " + go_quote(value));
  }
  *std::get<std::string*>(target) = value;
  return {};
}

}  // namespace

profile::ReportOptions PprofConfig::report_options() const {
  profile::ReportOptions options = report;
  options.cum_sort = sort == "cum";
  constexpr Granularity kMeanings[] = {Granularity::kFunctions, Granularity::kFileFunctions, Granularity::kFiles,
                                       Granularity::kLines, Granularity::kAddresses};
  for (size_t i = 0; i < std::size(kGranularities); ++i)
    if (granularity == kGranularities[i]) options.granularity = kMeanings[i];
  return options;
}

std::span<const ConfigField> config_fields() {
  return kFields;
}

const ConfigField* find_config_field(std::string_view name) {
  for (const ConfigField& f : kFields)
    if (f.name == name || has(f.choices, name)) return &f;
  return nullptr;
}

std::string_view choice_help(std::string_view choice) {
  for (const ChoiceHelp& c : kChoiceHelp)
    if (c.name == choice) return c.help;
  return {};
}

std::string config_value(const ConfigField& field, PprofConfig config) {
  Target target = field.target(config);
  if (auto* flag = std::get_if<bool*>(&target)) return **flag ? "true" : "false";
  if (auto* integer = std::get_if<int*>(&target)) return std::to_string(**integer);
  if (auto* number = std::get_if<double*>(&target)) return go_float(**number);
  return *std::get<std::string*>(target);
}

Status configure(PprofConfig& config, std::string_view name, std::string_view value) {
  const ConfigField* field = find_config_field(name);
  if (field != nullptr && field->name == name) return assign(*field, config, value);
  bool chosen = false;
  if (field != nullptr && go_parse_bool(value, chosen) && chosen) return assign(*field, config, name);
  return fail(ErrorCode::kInvalidArgument, "unknown config field " + go_quote(name));
}

}  // namespace watchfire::cli
