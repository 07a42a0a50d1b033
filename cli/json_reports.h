#pragma once

#include <string>

#include "profile/named_report.h"

namespace watchfire::cli {

/// Reports as JSON that only the command has; the others are profile::report_json. Options as there.

/// {"types": [...], "samples": [{"values": [...], "labels": {...}, "stack": ["leaf", ...]}]}
Result<std::string> traces_json(const profile::Profile& p, const profile::ReportParams& params);
/// {"total", "unit", "tags": {KEY: [{"value", "unit", "total"}]}}, heaviest first.
Result<std::string> tags_json(const profile::Profile& p, const profile::ReportParams& params);
/// {"total", "unit", "lines": [{"function", "file", "line", "flat", "cum"}]} of functions that match; kNotFound when
/// none does.
Result<std::string> list_json(const profile::Profile& p, const profile::ReportParams& params);

}  // namespace watchfire::cli
