#include "agent/analyst/analyst.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "agent/analyst/change.h"
#include "agent/analyst/rule_set.h"
#include "converters/file_query.h"
#include "findings/render.h"

namespace watchfire::agent {
namespace {

using converters::FileQuery;
using findings::Digest;
using findings::Finding;
using profile::Profile;

constexpr TimeRange kBase{0, 1000 * kSecond};
constexpr TimeRange kNow{1000 * kSecond, 2000 * kSecond};
constexpr int64_t kPeriod = 10'000'000;

// A CPU profile of ten seconds: stacks (leaf first) with their numbers of samples.
profile::LabelledProfile cpu(const std::map<std::vector<std::string>, int64_t>& stacks) {
  Profile p;
  auto str = [&](std::string_view s) { return p.strings.intern(s); };
  p.sample_types = {{str("samples"), str("count")}, {str("cpu"), str("nanoseconds")}};
  p.period_type = p.sample_types[1];
  p.period = kPeriod;
  p.values.resize(2);
  std::map<std::string, uint32_t> locations;
  for (const auto& [names, samples] : stacks) {
    std::vector<uint32_t> stack;
    for (const std::string& name : names) {
      auto [it, fresh] = locations.try_emplace(name, static_cast<uint32_t>(p.locations.size()));
      if (fresh) {
        uint32_t i = it->second;
        p.functions.push_back({i + 1u, str(name), str(name), 0, 0});
        p.lines.push_back({i, 1, 0});
        p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
      }
      stack.push_back(it->second);
    }
    p.add_sample(stack, {}, std::vector<int64_t>{samples, samples * kPeriod});
  }
  return {{{"service_name", "svc"}, {"source", "file"}},
          "process_cpu",
          {0, 10 * kSecond},
          std::make_shared<const Profile>(std::move(p))};
}

Digest analyze(FileQuery& query, bool with_base = false) {
  AnalystRequest request;
  request.range = kNow;
  if (with_base) request.base = kBase;
  auto digest = Analyst::create("")->analyze(query, request);
  EXPECT_TRUE(digest) << digest.error().text();
  return *digest;
}

const Finding* find(const Digest& d, std::string_view cause) {
  for (const Finding& f : d.findings)
    if (f.cause_class == cause) return &f;
  return nullptr;
}

TEST(Analyst, names_the_users_function_and_not_the_runtimes_leaf) {
  FileQuery query;
  query.add_profile(
      cpu({{{"regexp/syntax.(*compiler).cap", "regexp.compile", "regexp.MustCompile", "main.validate", "main.main"},
            400},
           {{"main.other", "main.main"}, 600}}),
      kNow);
  Digest d = analyze(query);
  const Finding* f = find(d, "regex_compile");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->function.raw(), "main.validate");
  EXPECT_NEAR(f->share, 0.4, 1e-9);
  EXPECT_NEAR(f->amount, 0.4, 1e-9);  // 4 s of CPU in 10 s
  EXPECT_LE(f->gain_bound, f->amount);
  ASSERT_FALSE(f->evidence.empty());
  EXPECT_EQ(f->evidence[0].numbers[0].value, 1000.0 * kPeriod);
}

TEST(Analyst, a_cost_is_counted_under_one_cause_only) {
  FileQuery query;
  query.add_profile(cpu({{{"runtime.mallocgc", "regexp.compile", "main.f"}, 300},
                         {{"runtime.mallocgc", "main.g"}, 300},
                         {{"runtime.gcBgMarkWorker"}, 400}}),
                    kNow);
  Digest d = analyze(query);
  double sum = 0;
  for (const Finding& f : d.findings) sum += f.share;
  EXPECT_LE(sum, 1.0 + 1e-9);
  ASSERT_TRUE(find(d, "gc_pressure"));
  EXPECT_EQ(find(d, "gc_pressure")->function.raw(), "main.g");
}

TEST(Analyst, too_few_samples_and_nothing_notable_are_answers) {
  FileQuery few;
  few.add_profile(cpu({{{"regexp.compile", "main.f"}, 20}}), kNow);
  Digest d = analyze(few);
  EXPECT_TRUE(d.findings.empty());
  EXPECT_EQ(d.services.at(0).verdict, "too few samples");

  FileQuery flat;
  std::map<std::vector<std::string>, int64_t> even;
  for (int i = 0; i < 100; ++i) even[{"main.f" + std::to_string(i), "main.main"}] = 10;
  flat.add_profile(cpu(even), kNow);
  d = analyze(flat);
  EXPECT_TRUE(d.findings.empty());
  EXPECT_EQ(d.services.at(0).verdict, "nothing notable");
}

TEST(Analyst, equal_profiles_give_equal_digests) {
  auto make = [] {
    FileQuery query;
    query.add_profile(cpu({{{"sort.Sort", "main.a"}, 300}, {{"encoding/json.Unmarshal", "main.b"}, 300}}), kNow);
    return findings::digest_json(analyze(query));
  };
  EXPECT_EQ(make(), make());
}

// Poisson counts for thirty functions around a mean, one of them scaled.
std::map<std::vector<std::string>, int64_t> load(std::mt19937& random, double scale_of_first) {
  std::map<std::vector<std::string>, int64_t> stacks;
  for (int i = 0; i < 30; ++i) {
    double mean = 40.0 + 20 * i % 200;
    if (i == 7) mean = 400 * scale_of_first;
    stacks[{"main.f" + std::to_string(i), "main.main"}] = std::poisson_distribution<int64_t>(mean)(random);
  }
  return stacks;
}

TEST(Analyst, equal_load_reports_no_change_in_twenty_of_twenty_pairs) {
  std::mt19937 random(20261124);
  for (int pair = 0; pair < 20; ++pair) {
    FileQuery query;
    for (int i = 0; i < 6; ++i) query.add_profile(cpu(load(random, 1)), kBase);
    for (int i = 0; i < 6; ++i) query.add_profile(cpu(load(random, 1)), kNow);
    EXPECT_FALSE(find(analyze(query, true), "cpu_regression")) << "pair " << pair;
  }
}

TEST(Analyst, thirty_percent_more_in_one_function_is_reported_with_an_interval) {
  std::mt19937 random(7);
  for (int pair = 0; pair < 20; ++pair) {
    FileQuery query;
    for (int i = 0; i < 6; ++i) query.add_profile(cpu(load(random, 1)), kBase);
    for (int i = 0; i < 6; ++i) query.add_profile(cpu(load(random, 1.3)), kNow);
    Digest d = analyze(query, true);
    const Finding* f = find(d, "cpu_regression");
    ASSERT_TRUE(f) << "pair " << pair;
    EXPECT_EQ(f->function.raw(), "main.f7");
    ASSERT_TRUE(f->change);
    EXPECT_GT(f->change->low, 0);
    EXPECT_GT(f->change->high, f->change->low);
    double truth = 400 * 0.3 * kPeriod / (10.0 * kSecond);
    EXPECT_NEAR(f->change->after - f->change->before, truth, truth / 2);
  }
}

TEST(Change, dispersion_widens_the_interval_of_uneven_load) {
  EXPECT_EQ(dispersion_of({10, 12, 9, 11, 10}), 1);
  EXPECT_GT(dispersion_of({1, 100, 2, 90, 3, 120}), 20);
}

TEST(RuleSet, refuses_unknown_keys_and_bad_patterns_with_their_place) {
  auto refused = [](std::string_view yaml, std::string_view says) {
    auto rules = RuleSet::parse(yaml);
    ASSERT_FALSE(rules) << yaml;
    EXPECT_NE(rules.error().message.find(says), std::string::npos) << rules.error().text();
    EXPECT_NE(rules.error().message.find("line "), std::string::npos) << rules.error().text();
  };
  refused("rules:\n  - {id: a, resource: cpu, title: t, minshare: 0.1}\n", "unknown key 'minshare'");
  refused("rules:\n  - {id: a, resource: cpu, title: t, frames: ['(']}\n", "bad regular expression");
  refused("rules:\n  - {id: a, resource: gpu, title: t}\n", "unknown resource 'gpu'");
  refused("rules:\n  - {id: a, resource: cpu, title: t}\n  - {id: a, resource: cpu, title: t}\n", "there twice");
  refused("rules:\n  - {resource: cpu, title: t}\n", "'id' is required");
  refused("ruels: []\n", "unknown key 'ruels'");
  ASSERT_TRUE(RuleSet::built_in()) << RuleSet::built_in().error().text();
}

}  // namespace
}  // namespace watchfire::agent
