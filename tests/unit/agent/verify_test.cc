#include "agent/verify.h"

#include <gtest/gtest.h>

#include "converters/file_query.h"
#include "tests/support/cpu_profile.h"

namespace watchfire::agent {
namespace {

using findings::Evidence;
using findings::Finding;
using findings::Life;
using test::cpu_profile;

constexpr TimeRange kNow{1000 * kSecond, 2000 * kSecond};
constexpr TimeRange kLater{2000 * kSecond, 3000 * kSecond};
constexpr const char* kQuery = "process_cpu:cpu{service_name=\"svc\"}";

class Verifier : public ::testing::Test {
 protected:
  Verifier() {
    query_.add_profile(
        cpu_profile({{{"regexp.compile", "main.validate", "main.main"}, 400}, {{"main.other", "main.main"}, 600}}),
        kNow);
    query_.add_profile(cpu_profile({{{"main.f", "main.main"}, 500}}, "other"), kNow);
  }
  static Finding claim() {
    Finding f;
    f.service = UntrustedText("svc");
    f.cause_class = "regex_compile";
    f.function = UntrustedText("main.validate");
    f.title = UntrustedText("main.validate compiles its expression in each call");
    f.explanation = UntrustedText("It sits above regexp.compile.");
    f.share = 0.4;
    f.amount = 0.4;
    f.gain_bound = 0.4;
    f.confidence = 0.8;
    f.evidence.push_back({.query = kQuery,
                          .range = kNow,
                          .tool = "peek",
                          .function = f.function,
                          .numbers = {{"cum", 4e9, ""}, {"total", 1e10, ""}, {"samples", 1000, ""}},
                          .command = {}});
    return f;
  }
  void expect_struck(const Finding& f, std::string_view why) {
    Verdict v = verify(query_, f);
    EXPECT_FALSE(v.finding) << why;
    std::string all;
    for (const auto& s : v.struck) all += s + "\n";
    EXPECT_NE(all.find(why), std::string::npos) << all;
  }

  converters::FileQuery query_;
};

TEST_F(Verifier, a_right_claim_is_kept_and_its_numbers_are_the_profiles) {
  Finding f = claim();
  f.share = 0.4001;
  f.author = "analyst";
  f.life = Life::kAccepted;
  Verdict v = verify(query_, f);
  ASSERT_TRUE(v.finding) << v.struck[0];
  EXPECT_TRUE(v.struck.empty());
  EXPECT_EQ(v.finding->share, 0.4);
  EXPECT_EQ(v.finding->amount, 0.4);
  EXPECT_EQ(v.finding->samples, 400);
  EXPECT_EQ(v.finding->author, "model");
  EXPECT_EQ(v.finding->life, Life::kNew);
  EXPECT_FALSE(v.finding->key.empty());
  EXPECT_NE(v.finding->evidence[0].command.find("watchfire peek --service 'svc' --type process_cpu:cpu"),
            std::string::npos);
}

TEST_F(Verifier, a_wrong_number_is_struck) {
  for (auto [name, value] :
       {std::pair("cum", 4.1e9), {"flat", 1.0}, {"total", 9e9}, {"samples", 900.0}, {"p99", 1.0}}) {
    Finding f = claim();
    f.evidence[0].numbers = {{name, value, ""}};
    expect_struck(f, std::string("p99") == name ? "can't be checked" : std::string(name) + " is ");
  }
}

TEST_F(Verifier, a_number_is_allowed_half_a_percent) {
  Finding f = claim();
  f.evidence[0].numbers = {{"cum", 4.0e9 * 1.0049, ""}};
  ASSERT_TRUE(verify(query_, f).finding);
  EXPECT_EQ(verify(query_, f).finding->evidence[0].numbers[2].value, 4e9);
  f.evidence[0].numbers = {{"cum", 4.0e9 * 1.0051, ""}};
  EXPECT_FALSE(verify(query_, f).finding);
}

TEST_F(Verifier, an_invented_function_is_struck) {
  Finding f = claim();
  f.function = f.evidence[0].function = UntrustedText("main.invented");
  expect_struck(f, "the profile has no function 'main.invented'");
}

TEST_F(Verifier, an_inflated_gain_share_or_amount_is_struck) {
  Finding f = claim();
  f.gain_bound = 0.5;
  expect_struck(f, "gain_bound 0.5 is more than the amount 0.4");
  f = claim();
  f.gain_bound = -1;
  expect_struck(f, "gain_bound");
  f = claim();
  f.share = 0.6;
  expect_struck(f, "0.4 and 0.4 by cum, 0 and 0 by flat");
  f = claim();
  f.amount = 4;
  f.gain_bound = 3;
  expect_struck(f, "are not the function's");
}

TEST_F(Verifier, flat_may_be_claimed_instead_of_cum) {
  Finding f = claim();
  f.function = f.evidence[0].function = UntrustedText("main.main");
  f.evidence[0].numbers = {{"cum", 1e10, ""}};
  f.share = f.amount = f.gain_bound = 1;
  EXPECT_TRUE(verify(query_, f).finding);
  f.share = f.amount = f.gain_bound = 0;  // its flat
  ASSERT_TRUE(verify(query_, f).finding);
  EXPECT_EQ(verify(query_, f).finding->amount, 0);
}

TEST_F(Verifier, evidence_must_be_of_the_findings_service_function_and_resource) {
  Finding f = claim();
  f.evidence[0].query = "process_cpu:cpu{service_name=\"other\"}";
  expect_struck(f, "does not select the service");
  f = claim();
  f.evidence[0].query = "process_cpu:cpu{service_name=~\"svc\"}";
  expect_struck(f, "does not select the service");
  f = claim();
  f.evidence[0].query = "process_cpu:cpu{service_name=\"svc\",host=\"\"}";  // a part of the service
  expect_struck(f, "no evidence about the finding's own");
  f = claim();
  f.evidence[0].function = UntrustedText("main.other");
  f.evidence[0].numbers = {{"cum", 6e9, ""}};
  expect_struck(f, "no evidence about the finding's own");
  f = claim();
  f.resource = findings::Resource::kHeap;
  expect_struck(f, "no evidence about the finding's own");
  f = claim();
  f.evidence.clear();
  expect_struck(f, "no evidence about the finding's own");
  f = claim();
  f.evidence[0].query = "process_cpu:cpu{";
  expect_struck(f, "evidence 1:");
  f = claim();
  f.evidence[0].range = {5, 5};
  expect_struck(f, "range is empty");
}

TEST_F(Verifier, wrong_evidence_goes_and_the_rest_stays) {
  Finding f = claim();
  Evidence wrong = f.evidence[0], context = f.evidence[0];
  wrong.numbers = {{"cum", 7e9, ""}};
  context.function = UntrustedText("main.other");
  context.numbers = {{"flat", 6e9, ""}};
  f.evidence = {wrong, context, f.evidence[0]};
  Verdict v = verify(query_, f);
  ASSERT_TRUE(v.finding);
  ASSERT_EQ(v.finding->evidence.size(), 2u);
  EXPECT_EQ(v.finding->evidence[0].function.raw(), "main.validate");
  ASSERT_EQ(v.struck.size(), 1u);
  EXPECT_EQ(v.struck[0], "evidence 1: cum is 4000000000, not 7000000000");
}

TEST_F(Verifier, texts_with_numbers_or_links_are_struck) {
  for (const char* text : {"costs 90% of CPU", "is 12 times slower", "(3.5 cores)"}) {
    Finding f = claim();
    f.title = UntrustedText(text);
    expect_struck(f, "hold a number");
  }
  for (const char* text :
       {"see https://evil.example/?q=x", "WWW.evil.example", "[here](//evil.example)", "<!channel>"}) {
    Finding f = claim();
    f.explanation = UntrustedText(text);
    expect_struck(f, "hold a link");
  }
  Finding f = claim();
  f.title = UntrustedText("sha256 and utf8_decode in main.validate");
  EXPECT_TRUE(verify(query_, f).finding);
  f.advice = "saves 3 cores";
  expect_struck(f, "hold a number");
  f = claim();
  f.cause_class = "x y";
  expect_struck(f, "cause_class");
}

TEST_F(Verifier, a_name_with_numbers_and_brackets_may_stand_in_a_text) {
  query_.add_profile(cpu_profile({{{"std::array<int, 3>::operator[](int)"}, 500}}, "cpp"), kNow);
  Finding f = claim();
  f.service = UntrustedText("cpp");
  f.function = f.evidence[0].function = UntrustedText("std::array<int, 3>::operator[](int)");
  f.title = UntrustedText("std::array<int, 3>::operator[](int) is called for each byte");
  f.evidence[0].query = "process_cpu:cpu{service_name=\"cpp\"}";
  f.evidence[0].numbers = {{"flat", 5e9, ""}};
  f.share = 1;
  f.amount = f.gain_bound = 0.5;
  Verdict v = verify(query_, f);
  EXPECT_TRUE(v.finding) << v.struck[0];
}

TEST_F(Verifier, confidence_is_cut_to_what_the_samples_allow) {
  query_.add_profile(cpu_profile({{{"main.validate"}, 10}}, "few"), kNow);
  Finding f = claim();
  f.service = UntrustedText("few");
  f.evidence[0].query = "process_cpu:cpu{service_name=\"few\"}";
  f.evidence[0].numbers = {{"flat", 1e8, ""}};
  f.share = 1;
  f.amount = f.gain_bound = 0.01;
  f.confidence = 1;
  Verdict v = verify(query_, f);
  ASSERT_TRUE(v.finding) << v.struck[0];
  EXPECT_NEAR(v.finding->confidence, 0.163, 0.001);
}

TEST_F(Verifier, an_open_finding_is_measured_again_and_is_fixed_when_its_cost_is_gone) {
  Finding known = *verify(query_, claim()).finding;
  EXPECT_FALSE(measure_again(query_, known, kLater));  // nothing was measured: nothing is known

  converters::FileQuery same, gone, few;
  same.add_profile(cpu_profile({{{"regexp.compile", "main.validate"}, 500}, {{"main.other"}, 500}}), kLater);
  auto again = measure_again(same, known, kLater);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->life, Life::kOpen);
  EXPECT_EQ(again->key, known.key);
  EXPECT_EQ(again->amount, 0.5);
  EXPECT_EQ(again->evidence[0].range, kLater);
  EXPECT_EQ(again->evidence[0].numbers[2].value, 5e9);

  gone.add_profile(cpu_profile({{{"main.other"}, 600}}), kLater);
  again = measure_again(gone, known, kLater);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->life, Life::kFixed);
  EXPECT_EQ(again->amount, 0);

  for (auto [samples, life] : {std::pair(220, Life::kOpen), {180, Life::kFixed}}) {
    converters::FileQuery less;
    less.add_profile(cpu_profile({{{"main.validate"}, samples}, {{"main.other"}, 600}}), kLater);
    again = measure_again(less, known, kLater);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->life, life) << samples;
  }

  few.add_profile(cpu_profile({{{"main.other"}, 50}}), kLater);
  EXPECT_FALSE(measure_again(few, known, kLater));
}

}  // namespace
}  // namespace watchfire::agent
