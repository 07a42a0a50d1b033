#pragma once

#include <string>
#include <string_view>

#include "findings/finding.h"

namespace watchfire::findings {

/// "0.120 cores", "12.3 MB/s": an amount of a resource for people.
std::string amount_text(Resource resource, double amount);
/// A digest as Markdown: conclusions first, a table of services, then findings with evidence and commands. Every
/// name is inside a code span or escaped.
std::string digest_markdown(const Digest& digest);
/// A digest as a few lines for a terminal; names inside are not escaped yet: print it through a terminal's escaper.
std::string digest_text(const Digest& digest);
/// A digest as JSON, schema in docs/openapi.yaml.
std::string digest_json(const Digest& digest);
std::string finding_json(const Finding& finding);
/// Reads what finding_json wrote, or what a model filed: unknown keys are refused, texts bounded.
Result<Finding> parse_finding(std::string_view json);
/// Reads what digest_json wrote.
Result<Digest> parse_digest(std::string_view json);

}  // namespace watchfire::findings
