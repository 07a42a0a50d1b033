#include "converters/flamegraph/flame_graph.h"

#include <gtest/gtest.h>

#include "base/config_tree.h"
#include "converters/flamegraph/flame_page.h"
#include "converters/flamegraph/flame_tree.h"
#include "converters/folded/decode.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

Profile folded(std::string_view text) {
  auto p = decode_folded(text, {});
  EXPECT_TRUE(p) << p.error().message;
  return p ? *std::move(p) : Profile();
}

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

/// "name total self" a line, two blanks a level.
std::string text_of(const FlameTree& tree, uint32_t node = 0, size_t depth = 0) {
  std::string out = std::string(depth * 2, ' ') + tree.names[tree.nodes[node].name] + " " +
                    std::to_string(tree.costs.totals[0][node]) + " " + std::to_string(tree.costs.selfs[0][node]) + "\n";
  for (uint32_t child : tree.children(node)) out += text_of(tree, child, depth + 1);
  return out;
}

/// What stands in the page as JSON.
std::string data_of(const std::string& page) {
  size_t from = page.find("id=\"data\">") + 10;
  return page.substr(from, page.find("</script>", from) - from);
}

TEST(FlameTree, sums_stacks_by_name_with_children_by_name) {
  Profile p = folded("main;b;c 2\nmain;a 3\nmain;b 4\n");
  EXPECT_EQ(text_of(build_flame_tree(p, {.columns = {0}})), "all 9 0\n  main 9 0\n    a 3 3\n    b 6 4\n      c 2 2\n");
}

TEST(FlameTree, reversed_has_leaves_at_its_root) {
  Profile p = folded("main;b;c 2\nmain;c 3\n");
  EXPECT_EQ(text_of(build_flame_tree(p, {.columns = {0}, .reversed = true})),
            "all 5 0\n  c 5 0\n    b 2 0\n      main 2 2\n    main 3 3\n");
}

TEST(FlameTree, cuts_deep_stacks_and_large_trees_and_counts_what_it_cut) {
  Profile p = folded("a;b;c;d 1\na;x 1\n");
  FlameTree deep = build_flame_tree(p, {.columns = {0}, .max_depth = 2});
  EXPECT_EQ(text_of(deep), "all 2 0\n  a 2 0\n    b 1 1\n    x 1 1\n");
  EXPECT_EQ(deep.frames_cut, 2u);
  FlameTree large = build_flame_tree(p, {.columns = {0}, .max_nodes = 3});
  EXPECT_EQ(large.nodes.size(), 3u);
  EXPECT_EQ(large.costs.totals[0][0], 2);
}

TEST(FlameTree, pruning_keeps_the_largest_and_leaves_costs_with_callers) {
  Profile p = folded("a;big 90\na;small 9\na;tiny 1\n");
  FlameTree tree = build_flame_tree(p, {.columns = {0}});
  EXPECT_DOUBLE_EQ(prune(tree, 0.05, 100), 0.05);
  EXPECT_EQ(text_of(tree), "all 100 0\n  a 100 0\n    big 90 90\n    small 9 9\n");
  EXPECT_GT(prune(tree, 0, 3), 0.09);
  EXPECT_EQ(text_of(tree), "all 100 0\n  a 100 0\n    big 90 90\n");
}

TEST(FlameTree, pruning_keeps_what_only_the_base_has) {
  Profile p = folded("a;now 10\n"), base = folded("a;gone 10\n");
  FlameTree tree = build_flame_tree(p, {.columns = {0}, .base = &base});
  prune(tree, 0.5, 100);
  EXPECT_EQ(text_of(tree), "all 10 0\n  a 10 0\n    gone 0 0\n    now 10 10\n");
  EXPECT_EQ(tree.base->totals[0][2] + tree.base->totals[0][3], 10);
}

TEST(FlameTree, sums_do_not_overflow) {
  Profile p = folded("a 9223372036854775807\nb 9223372036854775807\n");
  EXPECT_EQ(build_flame_tree(p, {.columns = {0}}).costs.totals[0][0], INT64_MAX);
}

TEST(FlameGraph, is_an_svg_of_nested_frames) {
  Profile p = folded("main;a 3\nmain;b 1\n");
  std::string svg = flame_graph_svg(p, {.title = "service <x>"});
  EXPECT_EQ(count(svg, "<g data-x"), 4u);
  EXPECT_NE(svg.find("<title>b (1, 25.00%)</title><rect x=\"895.0\""), std::string::npos);
  EXPECT_NE(svg.find("service &lt;x&gt;"), std::string::npos);
}

TEST(FlameGraph, inverted_has_its_root_on_top) {
  Profile p = folded("main;a 3\n");
  auto y_of = [&](const std::string& svg, const std::string& name) {
    size_t at = svg.find("y=\"", svg.find("<title>" + name + " ("));
    return std::stoi(svg.substr(at + 3));
  };
  std::string flame = flame_graph_svg(p, {}), icicle = flame_graph_svg(p, {.inverted = true});
  EXPECT_GT(y_of(flame, "all"), y_of(flame, "a"));
  EXPECT_LT(y_of(icicle, "all"), y_of(icicle, "a"));
}

TEST(FlameGraph, difference_is_red_for_more_and_blue_for_less) {
  Profile p = folded("main;more 6\nmain;less 2\nmain;same 2\n"),
          base = folded("main;more 2\nmain;less 4\nmain;same 2\n");
  std::string svg = flame_graph_svg(p, {.base = &base});
  auto fill = [&](const std::string& text, const std::string& title) {
    size_t at = text.find("<title>" + title + "</title>");
    EXPECT_NE(at, std::string::npos) << title;
    at = text.find("fill=\"", at) + 6;
    return text.substr(at, text.find('"', at) - at);
  };
  EXPECT_EQ(fill(svg, "more (6, 60.00%; +40.00%)"), "rgb(255,0,0)");
  EXPECT_EQ(fill(svg, "less (2, 20.00%; -20.00%)"), "rgb(105,105,255)");
  EXPECT_EQ(fill(svg, "same (2, 20.00%; +0.00%)"), "rgb(255,255,255)");
  EXPECT_EQ(fill(flame_graph_svg(p, {.base = &base, .negate = true}), "more (6, 60.00%; +40.00%)"), "rgb(0,0,255)");
}

TEST(FlameGraph, of_nothing_says_so) {
  EXPECT_NE(flame_graph_svg(Profile(), {}).find("No samples in this profile."), std::string::npos);
}

constexpr std::string_view kHostile =
    "</script><script>alert(1)</script>;<img src=x onerror=alert(1)>;<!--;]]>;{{script}};\xe2\x80\xa8\xe2\x80\xae;\"' "
    "1\n";

TEST(FlameGraph, names_stay_text) {
  std::string svg = flame_graph_svg(folded(kHostile), {.title = "</text><script>alert(1)</script>"});
  EXPECT_EQ(count(svg, "<script"), 1u);
  EXPECT_EQ(count(svg, "<img"), 0u);
  EXPECT_EQ(count(svg, "<!--"), 0u);
  EXPECT_EQ(count(svg, "]]>"), 1u);
}

TEST(FlamePage, names_can_not_leave_the_data) {
  std::string hostile(kHostile);
  std::string page = flame_graph_page(folded(hostile), {.title = "</title><script>alert(1)</script>{{data}}"});
  EXPECT_EQ(count(page, "<script"), 2u);
  EXPECT_EQ(count(page, "</script"), 2u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_EQ(count(page, "<!--"), 0u);
  EXPECT_EQ(count(page, "id=\"data\""), 1u);
  EXPECT_EQ(count(page, "{{"), 3u);  // {{data}} in the title, and there and {{script}} in the data
  EXPECT_EQ(count(data_of(page), "<"), 0u);
  EXPECT_EQ(count(page, "\xe2\x80\xa8"), 0u);
  EXPECT_EQ(count(page, "\xe2\x80\xae"), 0u);
  EXPECT_TRUE(parse_config(data_of(page)));
}

TEST(FlamePage, asks_for_nothing_from_elsewhere) {
  std::string page = flame_graph_page(folded("a 1\n"), {});
  for (const char* part : {"http:", "https:", "url(", "@import", " src=", " href=", "fetch(", "innerHTML", "eval("})
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  EXPECT_NE(page.find("content=\"default-src 'none'; script-src 'sha256-"), std::string::npos);
  EXPECT_NE(page.find(flame_page_policy()), std::string::npos);
}

TEST(FlamePage, policy_has_hashes_in_base64) {
  std::string policy = flame_page_policy();
  size_t at = policy.find("'sha256-") + 8;
  std::string hash = policy.substr(at, policy.find('\'', at) - at);
  EXPECT_EQ(hash.size(), 44u);
  EXPECT_EQ(hash.back(), '=');
  EXPECT_NE(hash[42], '=');
}

TEST(FlamePage, says_what_it_left_out) {
  Profile p = folded("a;big 1000\na;tiny 1\n");
  std::string data = data_of(flame_graph_page(p, {.min_share = 0.01}));
  EXPECT_NE(data.find("1 frames below 1% are not drawn"), std::string::npos) << data;
  EXPECT_EQ(data.find("tiny"), std::string::npos);
  EXPECT_NE(data.find("\"total\":[[1001,1001,1000]]"), std::string::npos) << data;
  EXPECT_EQ(data_of(flame_graph_page(p, {})).find("not drawn"), std::string::npos);
}

TEST(FlamePage, has_all_types_the_wanted_one_first) {
  // Two counts a line: before and samples.
  Profile p = folded("a;b 1 10\na;c 2 20\n");
  ASSERT_EQ(p.sample_types.size(), 2u);
  std::string data = data_of(flame_graph_page(p, {.column = 1}));
  EXPECT_NE(data.find("\"types\":[{\"name\":\"samples\""), std::string::npos) << data;
  EXPECT_NE(data.find("\"total\":[[30,30,10,20],[3,3,1,2]]"), std::string::npos) << data;
}

TEST(FlamePage, of_nothing_is_a_page) {
  EXPECT_TRUE(parse_config(data_of(flame_graph_page(Profile(), {}))));
}

}  // namespace
}  // namespace watchfire::converters
