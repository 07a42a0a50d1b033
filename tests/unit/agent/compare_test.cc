#include <gtest/gtest.h>

#include "agent/compare/render.h"
#include "agent/compare/sentences.h"
#include "tests/support/cpu_profile.h"

namespace watchfire::agent {
namespace {

using Stacks = std::map<std::vector<std::string>, int64_t>;

std::shared_ptr<const RuleSet> rules() {
  return *RuleSet::built_in();
}

NamedProfile named(const std::string& implementation, const Stacks& stacks, const std::string& phase = "build",
                   int64_t seconds = 10) {
  NamedProfile n{{implementation, phase, "cpu", ""}, {}};
  n.profile = profile::Profile(*test::cpu_profile(stacks).profile);
  n.profile.duration_ns = seconds * kSecond;
  return n;
}

std::string component_of(const std::vector<std::string>& stack) {
  auto parts = break_down(*test::cpu_profile({{stack, 1}}).profile, 1, *rules());
  return parts.size() == 1 ? parts.begin()->first.component + " / " + parts.begin()->first.function : "?";
}

Comparison compared(const std::vector<NamedProfile>& profiles, const CompareOptions& options = {}) {
  auto c = compare(profiles, *rules(), options);
  EXPECT_TRUE(c) << (c ? "" : c.error().text());
  return c ? *c : Comparison();
}

TEST(NamePattern, default_reads_names_with_dots_runs_and_endings) {
  NamePattern p = *NamePattern::compile(NamePattern::kDefault);
  auto n = p.read("btree-str.build.cpu.pprof");
  ASSERT_TRUE(n);
  EXPECT_EQ(n->implementation + "|" + n->phase + "|" + n->kind + "|" + n->run, "btree-str|build|cpu|");
  n = p.read("v1.2.build.cpu.3.pprof.gz");
  ASSERT_TRUE(n);
  EXPECT_EQ(n->implementation + "|" + n->phase + "|" + n->kind + "|" + n->run, "v1.2|build|cpu|3");
  EXPECT_FALSE(p.read("totals.json"));
  EXPECT_FALSE(p.read("build.cpu.pprof"));
}

TEST(NamePattern, can_be_any_other) {
  NamePattern p = *NamePattern::compile("{kind}_{impl}(*).pb[.gz]");
  auto n = p.read("heap_new(x+y).pb");
  ASSERT_TRUE(n);
  EXPECT_EQ(n->implementation + "|" + n->phase + "|" + n->kind, "new||heap");
}

TEST(NamePattern, wrong_ones_say_what_is_wrong) {
  for (const char* pattern : {"{impl", "{phase}.pprof", "{impl}.{impl}", "{impl}.{size}", "{impl}[", "{impl}]"}) {
    auto p = NamePattern::compile(pattern);
    ASSERT_FALSE(p) << pattern;
    EXPECT_EQ(p.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Breakdown, work_of_libraries_has_its_component_and_the_function_it_is_done_for) {
  EXPECT_EQ(component_of({"runtime.mallocgc", "runtime.newobject", "main.work", "main.main"}),
            "allocation / main.work");
  EXPECT_EQ(component_of({"runtime.memmove", "runtime.growslice", "main.work"}),
            "growing slices and vectors / main.work");
  EXPECT_EQ(component_of({"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}), "garbage collection / ");
  EXPECT_EQ(component_of({"runtime.gcAssistAlloc", "runtime.mallocgc", "main.work"}), "garbage collection / main.work");
  EXPECT_EQ(component_of({"aeshashbody", "runtime.mapaccess1_faststr", "main.work"}), "maps / main.work");
  EXPECT_EQ(component_of({"runtime.memmove", "main.work"}), "copying memory / main.work");
  EXPECT_EQ(component_of({"std::_Hashtable<int>::_M_rehash(unsigned long)", "app::work()"}), "maps / app::work");
  EXPECT_EQ(component_of({"encoding/binary.Uvarint", "main.work"}), "library encoding/binary / main.work");
}

TEST(Breakdown, own_code_is_its_package_and_what_sorting_calls_back_is_sorting) {
  EXPECT_EQ(component_of({"example.org/x/btree.(*node).find", "main.main"}),
            "package example.org/x/btree / example.org/x/btree.(*node).find");
  EXPECT_EQ(component_of({"app::tree::find(int)", "main"}), "namespace app::tree / app::tree::find");
  EXPECT_EQ(component_of({"main.work.func1", "sort.insertionSort_func", "sort.Slice", "main.work"}),
            "sorting / main.work");
}

TEST(Breakdown, a_preempted_function_pays_for_itself) {
  EXPECT_EQ(component_of({"runtime.asyncPreempt", "main.work", "main.main"}), "package main / main.work");
}

const Stacks kFast = {{{"main.work", "main.main"}, 300}, {{"runtime.mallocgc", "main.work", "main.main"}, 100}};
const Stacks kSlow = {{{"main.work", "main.main"}, 300}, {{"runtime.mapassign", "main.grow", "main.main"}, 500}};

TEST(Comparison, explains_the_gap_by_what_makes_it) {
  Comparison c = compared({named("slow", kSlow), named("fast", kFast)});
  ASSERT_EQ(c.sections.size(), 1u);
  const Section& s = c.sections[0];
  std::string first = explanation(s, s.matrix.ranking[0], 100), second = explanation(s, s.matrix.ranking[1], 100);
  EXPECT_EQ(first, "fast takes 4.00 ± 0.20 s of CPU, the least: package main (75 ± 2 %) and allocation (25 ± 2 %).");
  EXPECT_EQ(
      second,
      "slow takes 8.00 ± 0.28 s of CPU, 2.00 ± 0.12 times as much as fast (+4.00 ± 0.35 s). It spends more on maps "
      "(+5.00 s, mostly in main.grow), less on allocation (-1.00 s).");
  auto limits = headroom(s, 2);
  ASSERT_EQ(limits.size(), 2u);
  EXPECT_DOUBLE_EQ(limits[0].best_ratio, 4);
}

TEST(Comparison, a_tie_is_called_a_tie) {
  Comparison c = compared({named("a", {{{"main.work"}, 400}}), named("b", {{{"main.work"}, 420}})});
  const Section& s = c.sections[0];
  EXPECT_EQ(rank_text(s.matrix.ranking[1]), "1=");
  EXPECT_EQ(explanation(s, s.matrix.ranking[0], 100),
            "a takes 4.00 ± 0.20 s of CPU, the least within the errors together with b: package main (100 %).");
  EXPECT_NE(
      explanation(s, s.matrix.ranking[1], 100).find("a tie with a: the difference of 0.20 s is within two errors"),
      std::string::npos);
  EXPECT_NE(verdict(c)[0].find("a and b tie"), std::string::npos);
}

TEST(Comparison, too_few_samples_are_marked_and_said) {
  Comparison c = compared({named("a", {{{"main.work"}, 20}}), named("b", {{{"main.work"}, 900}})});
  const Section& s = c.sections[0];
  EXPECT_EQ(rank_text(s.matrix.ranking[0]), "1?");
  EXPECT_NE(explanation(s, s.matrix.ranking[0], 100).find("With 20 samples of at least 100"), std::string::npos);
}

TEST(Comparison, profiles_of_one_name_are_runs) {
  Comparison c = compared({named("a", {{{"main.work"}, 300}}), named("a", {{{"main.work"}, 500}}), named("b", kFast)});
  const profile::Matrix& m = c.sections[0].matrix;
  ASSERT_EQ(m.names.size(), 2u);
  EXPECT_EQ(m.runs[0], 2u);
  EXPECT_DOUBLE_EQ(m.totals[0].value, 4e9);
  EXPECT_NEAR(m.totals[0].error(), 1e9, 1);
}

TEST(Comparison, phases_are_sections_and_their_sum_is_a_verdict) {
  Comparison c = compared({named("a", kFast, "build"), named("a", kSlow, "query"), named("b", kSlow, "build"),
                           named("b", kSlow, "query", 20)});
  ASSERT_EQ(c.sections.size(), 2u);
  ASSERT_EQ(verdict(c).size(), 3u);
  EXPECT_NE(verdict(c)[2].find("build and query together, CPU as recorded: a takes 12.0"), std::string::npos)
      << verdict(c)[2];
  CompareOptions one;
  one.phase = "query";
  EXPECT_EQ(compared({named("a", kFast, "build"), named("a", kSlow, "query")}, one).sections.size(), 1u);
  one.phase = "none";
  auto none = compare({named("a", kFast, "build")}, *rules(), one);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_NE(none.error().hint.find("build"), std::string::npos);
}

TEST(Comparison, another_type_can_be_asked_for) {
  CompareOptions samples, none;
  samples.type = "samples";
  none.type = "alloc_space";
  EXPECT_EQ(compared({named("a", kFast), named("b", kSlow)}, samples).sections[0].unit, "count");
  auto c = compare({named("a", kFast)}, *rules(), none);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().message, "1 profile has no samples of type 'alloc_space'");
}

TEST(Comparison, equal_lengths_are_doubted) {
  EXPECT_EQ(compared({named("a", kFast), named("b", kSlow)}).notes.size(), 1u);
  EXPECT_EQ(compared({named("a", kFast), named("b", kSlow, "build", 20)}).notes.size(), 0u);
}

TEST(Comparison, matrices_wider_than_the_terminal_are_told_in_parts) {
  std::vector<NamedProfile> many;
  for (char n = 'a'; n < 'k'; ++n) many.push_back(named(std::string(1, n), {{{"main.work"}, 400 + 40 * (n - 'a')}}));
  Comparison c = compared(many);
  auto lines_with = [](const std::string& text, std::string_view what, size_t& longest) {
    size_t count = 0;
    for (size_t at = 0, end = 0; at < text.size(); at = end + 1) {
      end = text.find('\n', at);
      std::string_view line(text.data() + at, end - at);
      if (line.find(what) == std::string_view::npos) continue;
      ++count;
      longest = std::max(longest, line.size());
    }
    return count;
  };
  size_t longest = 0;
  EXPECT_EQ(lines_with(comparison_text(c, {}), "  main.work  ", longest), 1u);
  EXPECT_GT(longest, 110u);
  longest = 0;
  std::string narrow = comparison_text(c, {.matrix_width = 80});
  EXPECT_GT(lines_with(narrow, "  main.work  ", longest), 1u);
  EXPECT_LE(longest, 80u);
  for (int64_t value : {4, 5, 7}) EXPECT_NE(narrow.find(std::to_string(value) + "."), std::string::npos);
  EXPECT_GE(lines_with(comparison_text(c, {.matrix_width = 1}), "  main.work  ", longest), 10u);
}

TEST(Comparison, hostile_names_are_inert_everywhere) {
  const std::string evil = "<script>alert(1)</script>\"'\x1b[31m\n\r\xe2\x80\xae";
  Comparison c = compared({named(evil, {{{"main." + evil}, 400}}, evil), named("b", {{{evil}, 900}}, evil)});
  std::string html = comparison_html(c, {}), text = comparison_text(c, {}), json = comparison_json(c, {});
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(json.find("<script"), std::string::npos);
  for (const std::string* out : {&html, &text, &json}) {
    EXPECT_EQ(out->find('\x1b'), std::string::npos);
    EXPECT_EQ(out->find('\r'), std::string::npos);
  }
  EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  for (const char* loader : {"src=", "href=", "url(", "@import", "http:", "https:"})
    EXPECT_EQ(html.find(loader), std::string::npos) << loader;
}

}  // namespace
}  // namespace watchfire::agent
