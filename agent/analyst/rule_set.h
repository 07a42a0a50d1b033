#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "findings/finding.h"

namespace re2 {
class RE2;
}

namespace watchfire::agent {

/// One cause class as data; patterns match own names (see own_name). A stack belongs to the first rule of its resource,
/// in file order, that matches it.
struct Rule {
  std::string id;
  findings::Resource resource = findings::Resource::kCpu;
  std::shared_ptr<const re2::RE2> frames;     ///< matches an own name anywhere in the stack; null: every stack
  std::shared_ptr<const re2::RE2> not_under;  ///< below a frame that matches, `frames` do not count; or null
  std::shared_ptr<const re2::RE2> leaf;       ///< the leaf's name must match too; or null
  /// Who is blamed: the user's function that called the matched frame, or, when the frames run on behalf of everybody
  /// (a garbage collector), the user's functions that allocate.
  enum class Blame { kCaller, kAllocations } blame = Blame::kCaller;
  /// Whether what the user's own functions cost that the matched frame calls back belongs to the cause, too.
  bool callbacks = false;
  double min_share = 0.05;   ///< of the service's total of the resource
  double min_amount = 0.01;  ///< in the resource's unit
  double confidence = 0.8;   ///< with many samples
  double gain = 1;           ///< part of the cost that could go away at most
  std::string title;         ///< with {function}, {share}, {amount}, {service}
  std::string explanation;   ///< the same
  std::string advice;
};

/// What to say when a function costs more than in the window before. CPU is compared beyond chance (see
/// rising_functions); gauges by the service's total first.
struct ChangeRule {
  std::string id;
  findings::Resource resource = findings::Resource::kCpu;
  double min_relative = 0.15;  ///< growth, of what was before
  double min_amount = 0.01;    ///< growth, in the resource's unit
  size_t max_findings = 3;     ///< of one service, those that grew most
  double confidence = 0.8;
  std::string title;        ///< with {function}, {service}, {before}, {after}, {percent}
  std::string explanation;  ///< the same
  std::string advice;
};

/// A kind of work that libraries do. A stack belongs to the first component that matches (see
/// agent/compare/breakdown.h).
struct Component {
  std::string title;
  std::shared_ptr<const re2::RE2> frames;  ///< matches an own name below the user's nearest function
  bool callbacks = false;                  ///< or anywhere: what the user's functions cost that it calls back, too
  bool of_caller = false;                  ///< no component: frames that match count as their caller
};

/// What the analyst knows, read from YAML; immutable, shared between threads.
class RuleSet {
 public:
  /// Unknown keys, bad regular expressions and duplicate ids are refused with line and column.
  static Result<std::shared_ptr<const RuleSet>> parse(std::string_view yaml);
  static Result<std::shared_ptr<const RuleSet>> load(const std::string& path);
  static Result<std::shared_ptr<const RuleSet>> built_in();

  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<Component>& components() const { return components_; }
  /// The rule of changes for a resource, or null.
  const ChangeRule* change_rule(findings::Resource r) const;
  /// Whether a function, by its own name (see own_name), source file and binary, is nobody's own
  /// code: of a runtime, a standard library, the kernel.
  bool is_library(std::string_view function, std::string_view file, std::string_view object) const;

  int64_t min_samples() const { return min_samples_; }

 private:
  std::vector<Rule> rules_;
  std::vector<ChangeRule> changes_;
  std::vector<Component> components_;  ///< at most 64
  std::shared_ptr<const re2::RE2> library_functions_;
  std::shared_ptr<const re2::RE2> library_files_;
  std::shared_ptr<const re2::RE2> library_objects_;
  std::shared_ptr<const re2::RE2> own_functions_;
  int64_t min_samples_ = 100;
};

/// The YAML that is built in (agent/analyst/rules.yaml).
std::string_view built_in_rules();

}  // namespace watchfire::agent
