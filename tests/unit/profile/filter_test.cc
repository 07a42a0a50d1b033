#include "profile/filter.h"

#include <gtest/gtest.h>

#include "profile/aggregate.h"
#include "profile/measurement.h"
#include "profile/paths.h"
#include "profile/prune.h"
#include "profile/short_names.h"
#include "profile/tab_columns.h"
#include "tests/support/random_profile.h"
#include "tests/support/small_profile.h"

namespace watchfire::profile {
namespace {

using testing::small_profile;

struct Filtered {
  Profile profile;
  std::vector<std::string> notes;
  int64_t samples = 0;
};

Filtered filtered(const Filters& filters, Profile p = small_profile()) {
  Filtered f{.profile = std::move(p)};
  LabelUnits units = label_units(f.profile, f.notes);
  auto status = apply_filters(f.profile, filters, units, f.notes);
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_TRUE(validate(f.profile)) << validate(f.profile).error().message;
  for (int64_t v : f.profile.values[0]) f.samples += v;
  return f;
}

TEST(Filter, focus_and_ignore_choose_samples) {
  EXPECT_EQ(filtered({.focus = "walk"}).samples, 50);
  EXPECT_EQ(filtered({.ignore = "walk"}).samples, 20);
  EXPECT_EQ(filtered({.focus = "serve", .ignore = "libc"}).samples, 63);
  EXPECT_EQ(filtered({.focus = "/src/tree"}).samples, 50);
}

TEST(Filter, hide_moves_weight_to_the_caller) {
  Filtered f = filtered({.hide = "walk|compare"});
  EXPECT_EQ(f.samples, 70);
  EXPECT_EQ(f.profile.stacks[f.profile.sample_stacks[0]].size(), 2u);
}

TEST(Filter, show_drops_frames_without_symbols) {
  Filtered f = filtered({.show = "libc|main"});
  EXPECT_EQ(f.samples, 68);
}

TEST(Filter, show_from_cuts_the_root_off) {
  Filtered f = filtered({.show_from = "walk"});
  EXPECT_EQ(f.samples, 50);
  EXPECT_EQ(f.profile.stacks[f.profile.sample_stacks[0]].size(), 2u);
}

TEST(Filter, prune_from_cuts_below_the_match) {
  Filtered f = filtered({.prune_from = "tree.walk"});
  EXPECT_EQ(f.samples, 70);
  const Location& leaf = f.profile.locations[f.profile.stacks[f.profile.sample_stacks[1]][0]];
  ASSERT_EQ(leaf.line_count, 1u);  // the inlined tree.compare went
  EXPECT_EQ(f.profile.text(f.profile.functions[f.profile.lines_of(leaf)[0].function].name), "tree.walk");
}

TEST(Filter, tags_match_text_and_ranges) {
  EXPECT_EQ(filtered({.tagfocus = "path=get"}).samples, 50);
  EXPECT_EQ(filtered({.tagfocus = "path:/p"}).samples, 15);
  EXPECT_EQ(filtered({.tagignore = "get"}).samples, 20);
  EXPECT_EQ(filtered({.tagfocus = "4kb"}).samples, 30);
  EXPECT_EQ(filtered({.tagfocus = "bytes=5kb:"}).samples, 0);
  EXPECT_EQ(filtered({.tagfocus = "1kb:1mb"}).samples, 30);
  Filtered f = filtered({.tagfocus = ":4kb"});
  EXPECT_EQ(f.samples, 30);
  EXPECT_EQ(f.notes, std::vector<std::string>{"tagfocus:Interpreted ':4kb' as range, not regexp"});
}

TEST(Filter, tags_are_hidden_by_name) {
  Filtered f = filtered({.taghide = "path"});
  for (uint32_t s = 0; s < f.profile.label_sets.size(); ++s) {
    for (const Label& l : f.profile.label_sets[s]) EXPECT_EQ(f.profile.text(l.key), "bytes");
  }
}

TEST(Filter, notes_what_matched_nothing) {
  Filtered f = filtered({.focus = "nothing", .hide = "nothing"});
  EXPECT_EQ(f.notes,
            (std::vector<std::string>{"Focus expression matched no samples", "Hide expression matched no samples"}));
}

TEST(Filter, any_filter_keeps_random_profiles_valid) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Profile p = testing::random_profile(seed);
    filtered({.focus = "function[1-5]", .ignore = "function9"}, p);
    filtered({.hide = "file[0-3]", .show = "function[0-3]"}, p);
    filtered({.show_from = "function1", .prune_from = "function2", .tagfocus = "label1", .tagshow = "label"}, p);
  }
}

TEST(Prune, drops_uninteresting_frames_but_keeps_the_root) {
  Profile p = small_profile();
  p.drop_frames = p.strings.intern("runtime\\..*|tree.walk");
  prune_uninteresting(p);
  EXPECT_EQ(p.stacks[p.sample_stacks[2]].size(), 2u);  // mallocgc went
  EXPECT_EQ(p.stacks[p.sample_stacks[0]].size(), 2u);  // both walks went
  EXPECT_EQ(p.stacks[p.sample_stacks[5]].size(), 1u);
  Profile rooted = small_profile();
  rooted.drop_frames = rooted.strings.intern("main\\.main");
  prune_uninteresting(rooted);
  EXPECT_EQ(rooted.stacks[rooted.sample_stacks[4]].size(), 2u);  // nothing interesting stands above the match
  EXPECT_EQ(simplified_name(".foo(int)"), "foo");
  EXPECT_EQ(simplified_name("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
  EXPECT_EQ(simplified_name("A::operator()(int)"), "A::operator()");
}

TEST(TagFrames, stand_above_the_root_and_below_the_leaf) {
  Profile p = small_profile();
  TagFrameMatches m = add_tag_frames(p, {"path", "missing"}, {"bytes"}, "kb");
  EXPECT_TRUE(m.root);
  EXPECT_TRUE(m.leaf);
  ASSERT_TRUE(validate(p));
  auto name_at = [&](size_t sample, size_t frame) {
    return p.text(p.functions[p.lines_of(p.locations[p.stacks[p.sample_stacks[sample]][frame]])[0].function].name);
  };
  size_t depth = p.stacks[p.sample_stacks[1]].size();
  EXPECT_EQ(depth, 7u);
  EXPECT_EQ(name_at(1, depth - 1), "/get");
  EXPECT_EQ(name_at(1, depth - 2), "");
  EXPECT_EQ(name_at(1, 0), "4kB");
}

TEST(Measurement, scales_as_pprof) {
  EXPECT_EQ(measurement_label(1536, "bytes"), "1.50kB");
  EXPECT_EQ(measurement_label(0, "bytes"), "0");
  EXPECT_EQ(measurement_label(-2048, "bytes"), "-2kB");
  EXPECT_EQ(scaled_label(1500000000, "nanoseconds", "auto"), "1.50s");
  EXPECT_EQ(scaled_label(1500000000, "ns", "minutes"), "1.50s");
  EXPECT_EQ(scaled_label(5, "count", "minimum"), "5");
  EXPECT_EQ(scaled_label(5, "widgets", "auto"), "5");
  EXPECT_EQ(scaled_label(5, "widgets", "boxes"), "5boxes");
  EXPECT_EQ(scaled_label(7200, "seconds", "hour"), "2hrs");
  EXPECT_EQ(scaled_label(INT64_MIN, "count", "auto"), "-9223372036854775808");
}

TEST(Measurement, percentages_have_two_digits) {
  EXPECT_EQ(percentage(1, 0), "    0%");
  EXPECT_EQ(percentage(9999, 10000), "  100%");
  EXPECT_EQ(percentage(-1, 4), "25.00%");
  EXPECT_EQ(percentage(5, 1000), "  0.5%");
  EXPECT_EQ(percentage(1, 10000000), "1e-05%");
}

TEST(Paths, are_cleaned_as_go_cleans_them) {
  EXPECT_EQ(clean_path("/a//b/./c/../d"), "/a/b/d");
  EXPECT_EQ(clean_path("../a/.."), "..");
  EXPECT_EQ(clean_path("/.."), "/");
  EXPECT_EQ(clean_path(""), ".");
  EXPECT_EQ(base_name("/a/b/"), "b");
  EXPECT_EQ(base_name(""), ".");
  EXPECT_EQ(base_name("//"), "/");
  EXPECT_EQ(trim_source_path("/proc/self/cwd/x.c", "", ""), "x.c");
  EXPECT_EQ(trim_source_path("/remote/app/x.c", "", "/home/me/app"), "x.c");
  EXPECT_EQ(trim_source_path("/remote/app/x.c", "/remote", "/home/me/app"), "app/x.c");
}

TEST(ShortNames, drop_packages_and_namespaces) {
  EXPECT_EQ(short_function_name("github.com/a/b/v2/pkg.(*T).Run"), "pkg.(*T).Run");
  EXPECT_EQ(short_function_name("java.util.Map.get(java.lang.Object)"), "Map.get");
  EXPECT_EQ(short_function_name("ns::inner::Class::method<int>"), "Class::method<int>");
  EXPECT_EQ(short_function_name("(anonymous namespace)::f"), "f");
}

TEST(TabColumns, align_blocks_to_the_right) {
  EXPECT_EQ(align_right("k:\t x\n \t1 (2%):\t a\n \t10 (20%):\t b\n\nlong:\t y\n"),
            " k: x\n      1 (2%): a\n    10 (20%): b\n\n long: y\n");
}

}  // namespace
}  // namespace watchfire::profile
