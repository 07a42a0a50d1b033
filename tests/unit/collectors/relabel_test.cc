#include "collectors/scrape/relabel.h"

#include <gtest/gtest.h>

namespace watchfire::collectors {
namespace {

// What the rules (a YAML list) make of the labels; "dropped", or the labels' text.
std::string run(const std::string& yaml, const Labels& labels) {
  auto root = parse_config(yaml);
  if (!root) return "yaml: " + root.error().message;
  std::vector<RelabelRule> rules;
  for (const ConfigValue& item : root->items) {
    auto rule = read_relabel_rule(item, "rule");
    if (!rule) return "error: " + rule.error().message;
    rules.push_back(*rule);
  }
  auto out = relabel(labels, rules);
  return out ? labels_text(*out) : "dropped";
}

struct Case {
  const char* name;
  const char* rules;
  Labels labels;
  const char* want;
};

const Labels kAB = {{"a", "foo"}, {"b", "bar"}};

// Expectations follow Prometheus' relabeling (its documentation and semantics of RE2, anchored).
const Case kCases[] = {
    {"no rules", "[]", kAB, R"({a="foo",b="bar"})"},
    {"replace copies", "[{source_labels: [a], target_label: c}]", kAB, R"({a="foo",b="bar",c="foo"})"},
    {"replace joins with ;", "[{source_labels: [a, b], target_label: c}]", kAB, R"({a="foo",b="bar",c="foo;bar"})"},
    {"replace with separator", "[{source_labels: [a, b], separator: '-', target_label: c}]", kAB,
     R"({a="foo",b="bar",c="foo-bar"})"},
    {"replace with groups",
     "[{source_labels: [a], regex: 'f(.)(.)', replacement: '$2-$1', target_label: c}]",
     {{"a", "fxy"}},
     R"({a="fxy",c="y-x"})"},
    {"replace with braces",
     "[{source_labels: [a], regex: '(.*)', replacement: '${1}z', target_label: c}]",
     {{"a", "x"}},
     R"({a="x",c="xz"})"},
    {"unbraced name swallows letters",
     "[{source_labels: [a], regex: '(.*)', replacement: '$1z', target_label: a}]",
     {{"a", "x"}},
     R"({})"},
    {"named group",
     "[{source_labels: [a], regex: '(?P<n>.*)', replacement: '${n}!', target_label: c}]",
     {{"a", "x"}},
     R"({a="x",c="x!"})"},
    {"a group that is not there is empty",
     "[{source_labels: [a], regex: '(.*)', replacement: '${2}${31}${32}${99}${100}${n}z', target_label: c}]",
     {{"a", "x"}},
     R"({a="x",c="z"})"},
    {"dollar dollar", "[{target_label: c, replacement: '$$1'}]", {}, R"({c="$1"})"},
    {"no match leaves all", "[{source_labels: [a], regex: nope, target_label: a, replacement: x}]", kAB,
     R"({a="foo",b="bar"})"},
    {"regex is anchored at the end", "[{source_labels: [a], regex: fo, target_label: a, replacement: x}]", kAB,
     R"({a="foo",b="bar"})"},
    {"regex is anchored at the start", "[{source_labels: [a], regex: oo, target_label: a, replacement: x}]", kAB,
     R"({a="foo",b="bar"})"},
    {"alternation stays anchored", "[{source_labels: [a], regex: 'f|foox', action: keep}]", kAB, "dropped"},
    {"empty result deletes", "[{source_labels: [missing], target_label: a}]", kAB, R"({b="bar"})"},
    {"static value", "[{target_label: c, replacement: x}]", kAB, R"({a="foo",b="bar",c="x"})"},
    {"target with group", "[{source_labels: [a], regex: '(.*)', target_label: 'l_$1', replacement: y}]", kAB,
     R"({a="foo",b="bar",l_foo="y"})"},
    {"target invalid after expansion",
     "[{source_labels: [a], regex: '(.*)', target_label: '${1}', replacement: y}]",
     {{"a", "not-a-name"}},
     R"({a="not-a-name"})"},
    {"dot matches newline", "[{source_labels: [a], regex: 'x.y', action: keep}]", {{"a", "x\ny"}}, R"({a="x\ny"})"},
    {"keep", "[{source_labels: [a], regex: 'f.*', action: keep}]", kAB, R"({a="foo",b="bar"})"},
    {"keep drops", "[{source_labels: [a], regex: 'b.*', action: keep}]", kAB, "dropped"},
    {"keep of a missing label", "[{source_labels: [z], regex: '', action: keep}]", kAB, R"({a="foo",b="bar"})"},
    {"drop", "[{source_labels: [a], regex: 'f.*', action: drop}]", kAB, "dropped"},
    {"drop keeps", "[{source_labels: [a], regex: 'b.*', action: drop}]", kAB, R"({a="foo",b="bar"})"},
    {"action's case does not matter", "[{source_labels: [a], regex: foo, action: DROP}]", kAB, "dropped"},
    {"keepequal keeps",
     "[{source_labels: [a], target_label: b, action: keepequal}]",
     {{"a", "x"}, {"b", "x"}},
     R"({a="x",b="x"})"},
    {"keepequal drops", "[{source_labels: [a], target_label: b, action: keepequal}]", kAB, "dropped"},
    {"dropequal drops",
     "[{source_labels: [a], target_label: b, action: dropequal}]",
     {{"a", "x"}, {"b", "x"}},
     "dropped"},
    {"dropequal keeps", "[{source_labels: [a], target_label: b, action: dropequal}]", kAB, R"({a="foo",b="bar"})"},
    {"hashmod",
     "[{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}]",
     {{"c", "baz"}},
     R"({c="baz",d="976"})"},
    {"hashmod of a newline",
     "[{source_labels: [a], target_label: d, action: hashmod, modulus: 1000}]",
     {{"a", "foo\nbar"}},
     R"({a="foo\nbar",d="734"})"},
    {"labelmap",
     "[{regex: 'meta_(.*)', action: labelmap}]",
     {{"meta_x", "1"}, {"y", "2"}},
     R"({meta_x="1",x="1",y="2"})"},
    {"labelmap with replacement",
     "[{regex: 'meta_(.*)', replacement: 'k_${1}', action: labelmap}]",
     {{"meta_x", "1"}},
     R"({k_x="1",meta_x="1"})"},
    {"labeldrop", "[{regex: 'a|c', action: labeldrop}]", kAB, R"({b="bar"})"},
    {"labelkeep", "[{regex: 'a|c', action: labelkeep}]", kAB, R"({a="foo"})"},
    {"lowercase", "[{source_labels: [a], target_label: c, action: lowercase}]", {{"a", "FoO"}}, R"({a="FoO",c="foo"})"},
    {"uppercase", "[{source_labels: [a], target_label: a, action: uppercase}]", {{"a", "FoO"}}, R"({a="FOO"})"},
    {"rules run in order", "[{source_labels: [a], target_label: c}, {source_labels: [c], regex: foo, action: drop}]",
     kAB, "dropped"},
    {"unknown action", "[{action: explode}]", {}, "error: line 1, column 2: rule: unknown action 'explode'"},
    {"bad regex",
     "[{regex: '(', target_label: x}]",
     {},
     "error: line 1, column 2: rule: bad regular expression '(': missing ): (?s:()"},
    {"replace needs a target",
     "[{source_labels: [a]}]",
     {},
     "error: line 1, column 2: rule: this action needs target_label"},
    {"hashmod needs a modulus",
     "[{source_labels: [a], target_label: b, action: hashmod}]",
     {},
     "error: line 1, column 2: rule: hashmod needs a modulus above 0"},
    {"labeldrop takes only a regex",
     "[{regex: a, source_labels: [a], action: labeldrop}]",
     {},
     "error: line 1, column 2: rule: labeldrop and labelkeep take only a regex"},
    {"keepequal takes no regex",
     "[{source_labels: [a], target_label: b, regex: x, action: keepequal}]",
     {},
     "error: line 1, column 2: rule: keepequal and dropequal take only source_labels and target_label"},
    {"bad target name",
     "[{source_labels: [a], target_label: 'b-c'}]",
     {},
     "error: line 1, column 2: rule: 'b-c' is no label name"},
    {"unknown key",
     "[{source_label: [a], target_label: b}]",
     {},
     "error: line 1, column 17: rule: unknown key 'source_label'"},
};

TEST(Relabel, does_what_prometheus_does) {
  static_assert(std::size(kCases) >= 40);
  for (const Case& c : kCases) EXPECT_EQ(run(c.rules, c.labels), c.want) << c.name;
}

}  // namespace
}  // namespace watchfire::collectors
