#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agent/compare/breakdown.h"
#include "agent/compare/name_pattern.h"
#include "profile/compare.h"

namespace watchfire::agent {

/// A profile and what its name says of it.
struct NamedProfile {
  ProfileName name;
  profile::Profile profile;
};

/// One resource of one phase, in all implementations.
struct Section {
  std::string phase;  ///< "" when names have none
  std::string kind;   ///< as names say it
  std::string type;   ///< sample type: "cpu", "alloc_space"
  std::string unit;   ///< of all values: "nanoseconds", "bytes", "count"
  profile::Matrix matrix;

  /// "build, CPU".
  std::string title() const;
  /// What the resource is called in a sentence: "CPU", "allocated bytes", "allocated objects", or the type.
  std::string resource() const;
};

/// What `watchfire compare` found: a pure function of the profiles and the rules.
struct Comparison {
  std::vector<Section> sections;  ///< by phase; CPU first, then bytes, then objects
  double min_samples = 100;       ///< with fewer, a place is marked
  std::vector<std::string> notes;
};

struct CompareOptions {
  std::string phase, kind;  ///< only this one; "" for all
  std::string type;         ///< compare this sample type instead of those that matter for a kind of profile
  double min_samples = 100;
};

/// Aligns profiles as they come and keeps of each only what its parts cost. Those that have the same implementation,
/// phase and kind are runs of one another. The rules must outlive it. Not thread-safe.
class Comparer {
 public:
  Comparer(const RuleSet& rules, CompareOptions options) : rules_(rules), options_(std::move(options)) {}

  /// Whether a profile of this name is to be compared; what it says is remembered for the error of finish().
  bool wants(const ProfileName& name);
  void add(const NamedProfile& profile);
  /// kNotFound when nothing is left, saying what there was.
  Result<Comparison> finish() const;

 private:
  /// Phase, then how much a type matters, then type, kind and unit.
  using Key = std::tuple<std::string, int, std::string, std::string, std::string>;

  const RuleSet& rules_;
  CompareOptions options_;
  std::map<Key, std::vector<profile::Candidate>> sections_;
  std::set<std::string> phases_, kinds_;
  size_t without_type_ = 0;
};

/// All of them at once.
Result<Comparison> compare(const std::vector<NamedProfile>& profiles, const RuleSet& rules,
                           const CompareOptions& options);

}  // namespace watchfire::agent
