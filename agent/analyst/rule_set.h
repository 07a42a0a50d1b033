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

/// One cause class as data. A stack belongs to the first rule of its resource, in file order, that matches it.
struct Rule {
  std::string id;
  findings::Resource resource = findings::Resource::kCpu;
  std::shared_ptr<const re2::RE2> frames;     ///< matches a function name anywhere in the stack; null: every stack
  std::shared_ptr<const re2::RE2> not_under;  ///< a frame nearer to the root that matches takes the stack away; or null
  std::shared_ptr<const re2::RE2> leaf;       ///< the leaf's name must match too; or null
  /// Who is blamed: the user's function that called the matched frame, or, when the frames run on behalf of everybody
  /// (a garbage collector), the user's functions that allocate.
  enum class Blame { kCaller, kAllocations } blame = Blame::kCaller;
  double min_share = 0.05;   ///< of the service's total of the resource
  double min_amount = 0.01;  ///< in the resource's unit
  double confidence = 0.8;   ///< with many samples
  double gain = 1;           ///< part of the cost that could go away at most
  std::string title;         ///< with {function}, {share}, {amount}, {service}
  std::string explanation;   ///< the same
  std::string advice;
};

/// What the analyst knows, read from YAML; immutable, shared between threads.
class RuleSet {
 public:
  /// Unknown keys, bad regular expressions and duplicate ids are refused with line and column.
  static Result<std::shared_ptr<const RuleSet>> parse(std::string_view yaml);
  static Result<std::shared_ptr<const RuleSet>> load(const std::string& path);
  static Result<std::shared_ptr<const RuleSet>> built_in();

  const std::vector<Rule>& rules() const { return rules_; }
  /// Names and files of functions that are nobody's own code: runtimes, standard libraries, the kernel.
  bool is_library(std::string_view function, std::string_view file, std::string_view object) const;

  int64_t min_samples() const { return min_samples_; }

 private:
  std::vector<Rule> rules_;
  std::shared_ptr<const re2::RE2> library_functions_;
  std::shared_ptr<const re2::RE2> library_files_;
  std::shared_ptr<const re2::RE2> library_objects_;
  std::shared_ptr<const re2::RE2> own_functions_;
  int64_t min_samples_ = 100;
};

/// The YAML that is built in (agent/analyst/rules.yaml).
std::string_view built_in_rules();

}  // namespace watchfire::agent
