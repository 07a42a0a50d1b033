#include "agent/analyst/rule_set.h"

#include <re2/re2.h>

#include <set>

#include "base/config_tree.h"
#include "base/fd.h"

namespace watchfire::agent {
namespace {

constexpr size_t kMaxRulesBytes = 1u << 20;
constexpr size_t kMaxComponents = 64;

using Regex = std::shared_ptr<const re2::RE2>;

bool matches(const Regex& regex, std::string_view text) {
  return regex && re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
}

// One regular expression out of a list of alternatives; null for an empty list.
Result<Regex> compile(const ConfigValue& parent, const std::string& what, const std::vector<std::string>& patterns) {
  if (patterns.empty()) return Regex();
  std::string all;
  re2::RE2::Options options;
  options.set_log_errors(false);
  for (const std::string& p : patterns) {
    if (re2::RE2 one(p, options); !one.ok())
      return fail(config_error(parent, what + ": bad regular expression '" + p + "': " + one.error()));
    all += (all.empty() ? "(?:" : "|(?:") + p + ")";
  }
  return std::make_shared<const re2::RE2>(all, options);
}

Status read_regex(ObjectReader& r, const ConfigValue& parent, const std::string& what, std::string_view key,
                  Regex& out) {
  std::vector<std::string> patterns;
  r.texts(key, patterns);
  WF_ASSIGN(out, compile(parent, what + "." + std::string(key), patterns));
  return {};
}

Result<findings::Resource> resource_of(const ConfigValue& v, const std::string& what, const std::string& name) {
  using findings::Resource;
  for (auto r : {Resource::kCpu, Resource::kAllocations, Resource::kHeap, Resource::kLocks, Resource::kGoroutines})
    if (findings::resource_name(r) == name) return r;
  return fail(config_error(v, what + ".resource: unknown resource '" + name + "'")
                  .hinted("cpu, allocations, heap, locks or goroutines"));
}

Result<Rule> read_rule(const ConfigValue& v, const std::string& what) {
  Rule rule;
  std::string resource, blame = "caller";
  ObjectReader r(v, what);
  for (const char* key : {"id", "resource", "title"}) r.require(key);
  r.text("id", rule.id);
  r.text("resource", resource);
  WF_TRY(read_regex(r, v, what, "frames", rule.frames));
  WF_TRY(read_regex(r, v, what, "not_under", rule.not_under));
  WF_TRY(read_regex(r, v, what, "leaf", rule.leaf));
  r.text("blame", blame);
  r.flag("callbacks", rule.callbacks);
  r.number("min_share", rule.min_share, 0, 1);
  r.number("min_amount", rule.min_amount, 0, 1e18);
  r.number("confidence", rule.confidence, 0, 1);
  r.number("gain", rule.gain, 0, 1);
  r.text("title", rule.title);
  r.text("explanation", rule.explanation);
  r.text("advice", rule.advice);
  WF_TRY(r.finish());
  WF_ASSIGN(rule.resource, resource_of(v, what, resource));
  if (blame != "caller" && blame != "allocations")
    return fail(config_error(v, what + ".blame: expected caller or allocations, found '" + blame + "'"));
  rule.blame = blame == "caller" ? Rule::Blame::kCaller : Rule::Blame::kAllocations;
  return rule;
}

Result<ChangeRule> read_change_rule(const ConfigValue& v, const std::string& what) {
  ChangeRule rule;
  std::string resource;
  int64_t max_findings = static_cast<int64_t>(rule.max_findings);
  ObjectReader r(v, what);
  for (const char* key : {"id", "resource", "title"}) r.require(key);
  r.text("id", rule.id);
  r.text("resource", resource);
  r.number("min_relative", rule.min_relative, 0, 1000);
  r.number("min_amount", rule.min_amount, 0, 1e18);
  r.integer("max_findings", max_findings, 1, 100);
  r.number("confidence", rule.confidence, 0, 1);
  r.text("title", rule.title);
  r.text("explanation", rule.explanation);
  r.text("advice", rule.advice);
  WF_TRY(r.finish());
  rule.max_findings = static_cast<size_t>(max_findings);
  WF_ASSIGN(rule.resource, resource_of(v, what, resource));
  using findings::Resource;
  if (rule.resource != Resource::kCpu && rule.resource != Resource::kHeap && rule.resource != Resource::kGoroutines)
    return fail(config_error(v, what + ".resource: changes of " + resource + " are not looked for")
                    .hinted("cpu, heap or goroutines"));
  return rule;
}

Result<Component> read_component(const ConfigValue& v, const std::string& what) {
  Component c;
  ObjectReader r(v, what);
  for (const char* key : {"title", "frames"}) r.require(key);
  r.text("title", c.title);
  WF_TRY(read_regex(r, v, what, "frames", c.frames));
  r.flag("callbacks", c.callbacks);
  r.flag("of_caller", c.of_caller);
  WF_TRY(r.finish());
  if (!c.frames) return fail(config_error(v, what + ".frames: no regular expression"));
  return c;
}

}  // namespace

Result<std::shared_ptr<const RuleSet>> RuleSet::parse(std::string_view yaml) {
  WF_ASSIGN(ConfigValue root, parse_config(yaml));
  auto set = std::make_shared<RuleSet>();
  std::set<std::string> ids;
  ObjectReader r(root, "");
  r.integer("min_samples", set->min_samples_, 1, 1'000'000);
  r.child("library", [&](const ConfigValue& v, const std::string& what) -> Status {
    ObjectReader l(v, what);
    WF_TRY(read_regex(l, v, what, "functions", set->library_functions_));
    WF_TRY(read_regex(l, v, what, "files", set->library_files_));
    WF_TRY(read_regex(l, v, what, "objects", set->library_objects_));
    WF_TRY(read_regex(l, v, what, "own", set->own_functions_));
    return l.finish();
  });
  r.each("rules", [&](const ConfigValue& v, const std::string& what) -> Status {
    WF_ASSIGN(Rule rule, read_rule(v, what));
    if (!ids.insert(rule.id).second) return fail(config_error(v, what + ": the rule '" + rule.id + "' is there twice"));
    set->rules_.push_back(std::move(rule));
    return {};
  });
  r.each("changes", [&](const ConfigValue& v, const std::string& what) -> Status {
    WF_ASSIGN(ChangeRule rule, read_change_rule(v, what));
    if (!ids.insert(rule.id).second) return fail(config_error(v, what + ": the rule '" + rule.id + "' is there twice"));
    if (set->change_rule(rule.resource) != nullptr)
      return fail(config_error(v, what + ": there is a rule of changes for this resource already"));
    set->changes_.push_back(std::move(rule));
    return {};
  });
  r.each("components", [&](const ConfigValue& v, const std::string& what) -> Status {
    WF_ASSIGN(Component component, read_component(v, what));
    if (set->components_.size() == kMaxComponents)
      return fail(config_error(v, what + ": more than " + std::to_string(kMaxComponents) + " components"));
    set->components_.push_back(std::move(component));
    return {};
  });
  WF_TRY(r.finish());
  return std::shared_ptr<const RuleSet>(std::move(set));
}

Result<std::shared_ptr<const RuleSet>> RuleSet::load(const std::string& path) {
  WF_ASSIGN(std::string text, read_file(path, kMaxRulesBytes));
  auto rules = parse(text);
  if (!rules) return fail(std::move(rules).error().with(path));
  return rules;
}

Result<std::shared_ptr<const RuleSet>> RuleSet::built_in() {
  return parse(built_in_rules());
}

const ChangeRule* RuleSet::change_rule(findings::Resource r) const {
  for (const ChangeRule& c : changes_)
    if (c.resource == r) return &c;
  return nullptr;
}

bool RuleSet::is_library(std::string_view function, std::string_view file, std::string_view object) const {
  if (matches(own_functions_, function)) return false;
  return matches(library_objects_, object) || matches(library_functions_, function) || matches(library_files_, file);
}

}  // namespace watchfire::agent
