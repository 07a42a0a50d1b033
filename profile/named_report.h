#pragma once

#include <map>
#include <string>
#include <string_view>

#include "profile/report.h"

namespace watchfire::profile {

/// Options of a report as text, as they come in a query string or a tool call: focus, ignore, hide, show, show_from,
/// prune_from, tagfocus, tagignore, tagroot, tagleaf, granularity (functions, filefunctions, files, lines,
/// addresses), sample_index, sort (flat, cum), unit, nodecount, nodefraction, function (for peek and list), max_depth.
using ReportParams = std::map<std::string, std::string, std::less<>>;

/// Reads options, leaving the rest at their defaults. Unknown names and bad values are kInvalidArgument with the
/// list of what is known.
Result<ReportOptions> read_report_options(const ReportParams& params);

/// The reports that are served by name.
std::string_view known_report_names();

/// One report as the text pprof prints: top, tree, peek, traces, tags, raw, dot, callgrind.
Result<std::string> report_text(const Profile& p, std::string_view name, const ReportParams& params);
/// The same as JSON: top, peek, and tree as a pruned call tree.
Result<std::string> report_json(const Profile& p, std::string_view name, const ReportParams& params);

}  // namespace watchfire::profile
