#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/measure.h"
#include "agent/tools/arguments.h"
#include "findings/finding.h"
#include "profile/query.h"

namespace watchfire::agent {

/// A tool as a model sees it.
struct ToolDefinition {
  std::string_view name;
  std::string_view description;
  std::string_view input_schema;  ///< JSON
};

/// What a call gave: text for the model, all names in it escaped.
struct ToolAnswer {
  std::string text;
  bool is_error = false;
};

/// Short ids for functions: long names are cut where they are shown, and an id (f12) always means the whole name.
class FunctionIds {
 public:
  /// "f12"; the same id for the same name. At most 10,000 names get one, others "-".
  std::string id_of(const std::string& name);
  /// The name that an id, a name, or a name as it was shown (escaped) means; else the text itself.
  std::string resolve(const std::string& text) const;

 private:
  std::map<std::string, size_t> ids_;
  std::map<std::string, std::string> by_shown_;  // escaped, where that differs
  std::vector<std::string> names_;
};

/// The tools of one run: list_profiles, top, peek, tree and diff read through Query, submit_finding verifies what is
/// claimed and keeps it. Nothing else can be done with them.
///
/// An answer starts with one status line (what, samples, total, rows shown of all, what they cover, why cut, the next
/// cheaper call), then a line with what a finding must cite, then rows; it fits the call's byte budget. A call that
/// can't be done is an answer with is_error that says what was expected. Refers to the query; one call at a time.
class Toolbox {
 public:
  /// `window`: the range of calls that give none.
  Toolbox(profile::Query& query, TimeRange window, size_t max_findings = 10)
      : query_(query), window_(whole_seconds(window)), max_findings_(max_findings) {}

  static std::span<const ToolDefinition> definitions();
  ToolAnswer call(std::string_view name, std::string_view input);

  /// What was submitted and stands up to the profiles.
  const std::vector<findings::Finding>& findings() const { return findings_; }
  /// Findings and evidence that did not.
  size_t struck() const { return struck_; }
  TimeRange window() const { return window_; }

 private:
  Result<std::string> run(std::string_view name, std::string_view input);
  Result<std::string> list_profiles(const ToolArguments& a);
  Result<std::string> top(const ToolArguments& a);
  Result<std::string> peek(ToolArguments a);
  Result<std::string> tree(const ToolArguments& a);
  Result<std::string> diff(const ToolArguments& a);
  Result<std::string> submit(std::string_view input);
  std::string named(const std::string& function);

  profile::Query& query_;
  const TimeRange window_;
  const size_t max_findings_;
  FunctionIds ids_;
  std::vector<findings::Finding> findings_;
  size_t struck_ = 0;
};

}  // namespace watchfire::agent
