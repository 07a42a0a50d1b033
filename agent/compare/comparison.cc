#include "agent/compare/comparison.h"

#include <algorithm>

namespace watchfire::agent {
namespace {

using profile::Candidate;
using profile::Profile;

/// Lists each once, with commas.
std::string listed(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + (n.empty() ? std::string("(none)") : n);
  return out;
}

bool has_type(const Profile& p, std::string_view type) {
  return std::ranges::any_of(p.sample_types, [&](const auto& t) { return p.text(t.type) == type; });
}

/// The sample types that matter: of a heap what was allocated, or, when its name says so, what is in use.
std::vector<std::string> types_to_compare(const NamedProfile& n, const std::string& wanted) {
  if (!wanted.empty()) return {wanted};
  bool in_use = n.name.kind.starts_with("heap") || n.name.kind.starts_with("inuse");
  for (std::string prefix : {in_use ? "inuse_" : "alloc_", in_use ? "alloc_" : "inuse_", ""})
    if (has_type(n.profile, prefix + "space") && has_type(n.profile, prefix + "objects"))
      return {prefix + "space", prefix + "objects"};
  for (const char* type : {"cpu", "delay"})
    if (has_type(n.profile, type)) return {type};
  return {""};
}

int importance(std::string_view type) {
  if (type == "cpu") return 0;
  if (type.ends_with("space")) return 1;
  return type.ends_with("objects") ? 2 : 3;
}

Candidate& candidate(std::vector<Candidate>& all, const std::string& name) {
  auto found = std::ranges::find(all, name, &Candidate::name);
  if (found != all.end()) return *found;
  return all.emplace_back(Candidate{name, {}, {}});
}

/// Profiles of equal lengths were taken for a time, not for a job.
bool took_equal_time(const profile::Matrix& m) {
  auto [least, most] = std::ranges::minmax(m.seconds);
  return m.seconds.size() > 1 && least >= 1 && most - least <= 0.01 * most;
}

void note_doubts(const Section& s, std::vector<std::string>& notes) {
  if (s.matrix.names.size() == 1)
    notes.push_back(s.title() + ": there is only " + s.matrix.names[0] + ", and nothing to compare it with");
  if (s.type == "cpu" && took_equal_time(s.matrix))
    notes.push_back(s.title() +
                    ": all profiles are equally long. When they were taken for a time instead of for a fixed job, "
                    "totals say how busy each one was, not how fast");
}

}  // namespace

std::string Section::resource() const {
  if (type == "cpu") return "CPU";
  if (type == "alloc_space") return "allocated bytes";
  if (type == "alloc_objects") return "allocated objects";
  if (type == "inuse_space") return "bytes in use";
  if (type == "inuse_objects") return "objects in use";
  return type;
}

std::string Section::title() const {
  return phase.empty() ? resource() : phase + ", " + resource();
}

bool Comparer::wants(const ProfileName& name) {
  phases_.insert(name.phase);
  kinds_.insert(name.kind);
  return (options_.phase.empty() || name.phase == options_.phase) &&
         (options_.kind.empty() || name.kind == options_.kind);
}

void Comparer::add(const NamedProfile& n) {
  if (!wants(n.name)) return;
  for (const std::string& wanted : types_to_compare(n, options_.type)) {
    auto column = profile::sample_index(n.profile, wanted);
    if (!column) {
      ++without_type_;
      continue;
    }
    const profile::ValueType& t = n.profile.sample_types[*column];
    std::string type(n.profile.text(t.type));
    Key key{n.name.phase, importance(type), type, n.name.kind, std::string(n.profile.text(t.unit))};
    Candidate& c = candidate(sections_[key], n.name.implementation);
    c.runs.push_back(break_down(n.profile, *column, rules_));
    c.run_seconds.push_back(static_cast<double>(n.profile.duration_ns) / 1e9);
  }
}

Result<Comparison> Comparer::finish() const {
  Comparison out;
  out.min_samples = options_.min_samples;
  if (without_type_ != 0) {
    std::string what = std::to_string(without_type_) + (without_type_ == 1 ? " profile has" : " profiles have") +
                       " no samples of type '" + options_.type + "'";
    if (sections_.empty()) return fail(ErrorCode::kNotFound, what);
    out.notes.push_back(what);
  }
  if (sections_.empty())
    return fail(
        Error(ErrorCode::kNotFound, "no profile is of phase '" + options_.phase + "' and kind '" + options_.kind + "'")
            .hinted("phases: " + listed(phases_) + "; kinds: " + listed(kinds_)));
  for (const auto& [key, candidates] : sections_) {
    const auto& [phase, order, type, kind, unit] = key;
    out.sections.push_back({phase, kind, type, unit, profile::compare(candidates, options_.min_samples)});
    note_doubts(out.sections.back(), out.notes);
  }
  return out;
}

Result<Comparison> compare(const std::vector<NamedProfile>& profiles, const RuleSet& rules,
                           const CompareOptions& options) {
  Comparer comparer(rules, options);
  for (const NamedProfile& n : profiles) comparer.add(n);
  return comparer.finish();
}

}  // namespace watchfire::agent
