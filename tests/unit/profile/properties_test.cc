// Laws that hold for every profile, tried on ten thousand that seeds generate: inlining, recursion, folded frames,
// labels of both kinds, negative values, none to eight mappings, one to four sample types, missing symbols.

#include <gtest/gtest.h>

#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "profile/filter.h"
#include "profile/merge.h"
#include "tests/support/random_profile.h"

namespace watchfire::profile {
namespace {

using converters::decode_pprof;
using converters::encode_pprof;

constexpr uint64_t kProfiles = 10'000;

Profile generated(uint64_t seed, size_t sample_types) {
  std::mt19937_64 random(seed);
  auto below = [&](uint64_t n) { return random() % n; };
  testing::RandomProfileShape shape{.sample_types = sample_types,
                                    .mappings = below(9),
                                    .functions = 1 + below(20),
                                    .locations = 1 + below(25),
                                    .samples = below(40),
                                    .max_depth = 1 + below(30),
                                    .max_labels = below(5),
                                    .negative_values = below(3) == 0,
                                    .unsymbolized = below(2) == 0};
  return testing::random_profile(random(), shape);
}

std::string merged(std::initializer_list<const Profile*> sources, Profile* out = nullptr) {
  auto r = merge(std::vector<const Profile*>(sources));
  EXPECT_TRUE(r) << r.error().text();
  EXPECT_TRUE(validate(*r)) << validate(*r).error().text();
  std::string bytes = encode_pprof(*r);
  if (out != nullptr) *out = *std::move(r);
  return bytes;
}

std::vector<int64_t> totals(const Profile& p) {
  std::vector<int64_t> out;
  for (const auto& column : p.values) {
    out.push_back(0);
    for (int64_t v : column) out.back() += v;
  }
  return out;
}

/// What is left after filters one after the other, without anything unused.
std::string filtered(Profile p, std::initializer_list<Filters> in_order) {
  for (const Filters& f : in_order) {
    std::vector<std::string> notes;
    EXPECT_TRUE(apply_filters(p, f, label_units(p, notes), notes));
    EXPECT_TRUE(validate(p));
  }
  return merged({&p});
}

struct Properties : ::testing::TestWithParam<uint64_t> {};

TEST_P(Properties, hold) {
  for (uint64_t seed = GetParam(); seed < kProfiles; seed += 10) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    size_t types = 1 + seed % 4;
    Profile a = generated(seed, types), b = generated(seed + kProfiles, types),
            c = generated(seed + 2 * kProfiles, types);

    std::string bytes = encode_pprof(a);
    auto again = decode_pprof(bytes, {});
    ASSERT_TRUE(again) << again.error().text();
    ASSERT_EQ(encode_pprof(*again), bytes) << "decode(encode(x)) = x";

    Profile ab, bc, abc;
    merged({&a, &b}, &ab);
    merged({&b, &c}, &bc);
    std::string once = merged({&a, &b, &c}, &abc);
    ASSERT_EQ(merged({&ab, &c}), once) << "(a + b) + c";
    ASSERT_EQ(merged({&a, &bc}), once) << "a + (b + c)";
    auto of_a = totals(a), of_b = totals(b), of_c = totals(c), of_all = totals(abc);
    for (size_t t = 0; t < types; ++t) ASSERT_EQ(of_all[t], of_a[t] + of_b[t] + of_c[t]) << "totals";

    // What chooses samples by name, what chooses them by label, and what changes frames without choosing.
    const Filters focus{.focus = "function1"}, ignore{.ignore = "function2|file1"};
    const Filters tagfocus{.tagfocus = "value[123]"}, tagignore{.tagignore = "value4"};
    const Filters hide{.hide = "function[3-5]"}, taghide{.taghide = "label1"};
    ASSERT_EQ(filtered(a, {focus, ignore}), filtered(a, {ignore, focus}));
    ASSERT_EQ(filtered(a, {focus, ignore}), filtered(a, {{.focus = focus.focus, .ignore = ignore.ignore}}));
    ASSERT_EQ(filtered(a, {tagfocus, tagignore}), filtered(a, {tagignore, tagfocus}));
    ASSERT_EQ(filtered(a, {focus, tagfocus}), filtered(a, {tagfocus, focus}));
    ASSERT_EQ(filtered(a, {hide, tagfocus}), filtered(a, {tagfocus, hide}));
    ASSERT_EQ(filtered(a, {ignore, taghide}), filtered(a, {taghide, ignore}));
  }
}

INSTANTIATE_TEST_SUITE_P(TenThousandProfiles, Properties, ::testing::Range<uint64_t>(0, 10));

}  // namespace
}  // namespace watchfire::profile
