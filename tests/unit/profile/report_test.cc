#include "profile/report.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "profile/report_print.h"
#include "profile/report_rows.h"
#include "tests/support/small_profile.h"

namespace watchfire::profile {
namespace {

using testing::small_profile;

std::string printed(ReportKind kind, const ReportOptions& options, std::string_view symbol = "") {
  setenv("TZ", "UTC", 1);
  tzset();
  std::vector<std::string> notes;
  auto r = Report::prepare(small_profile(), kind, options, symbol, notes);
  if (!r) return r.error().message;
  switch (kind) {
    case ReportKind::kTop:
      return print_top(**r);
    case ReportKind::kTraces:
      return collect_text([&](const TextSink& sink) { print_traces(**r, sink); });
    case ReportKind::kTags:
      return print_tags(**r);
    case ReportKind::kRaw:
      return collect_text([&](const TextSink& sink) { print_raw(**r, sink); });
    case ReportKind::kDot:
      return print_dot(**r);
    case ReportKind::kCallgrind:
      return print_callgrind(**r);
    default: {
      auto text = kind == ReportKind::kList ? print_list(**r) : print_tree(**r);
      return text ? *text : text.error().message;
    }
  }
}

// The expected texts are what go tool pprof prints for the same profile.

TEST(Top, lists_functions_by_weight) {
  EXPECT_EQ(printed(ReportKind::kTop, {}), R"--(File: server
Build ID: abc
built by hand
Type: cpu
Time: 2020-09-13 12:26:40 UTC
Duration: 1.50s, Total samples = 700ms (46.67%)
Showing nodes accounting for 700ms, 100% of 700ms total
      flat  flat%   sum%        cum   cum%
     300ms 42.86% 42.86%      500ms 71.43%  tree.walk
     200ms 28.57% 71.43%      200ms 28.57%  tree.compare (inline)
     100ms 14.29% 85.71%      100ms 14.29%  runtime.mallocgc
      70ms 10.00% 95.71%       70ms 10.00%  [libc.so.6]
      30ms  4.29%   100%      680ms 97.14%  main.(*Server).serve
         0     0%   100%      680ms 97.14%  main.main
)--");
}

TEST(Top, keeps_lines_apart_and_filters) {
  EXPECT_EQ(
      printed(ReportKind::kTop, {.filters = {.focus = "walk", .hide = "compare"}, .granularity = Granularity::kLines}),
      R"--(File: server
Build ID: abc
built by hand
Type: cpu
Time: 2020-09-13 12:26:40 UTC
Duration: 1.50s, Total samples = 700ms (46.67%)
Active filters:
   focus=walk
   hide=compare
Showing nodes accounting for 500ms, 71.43% of 700ms total
      flat  flat%   sum%        cum   cum%
     300ms 42.86% 42.86%      500ms 71.43%  tree.walk /src/tree/walk.go:8
     200ms 28.57% 71.43%      200ms 28.57%  tree.walk /src/tree/walk.go:9
         0     0% 71.43%      500ms 71.43%  main.(*Server).serve /src/app/server.go:25
         0     0% 71.43%      500ms 71.43%  main.main /src/app/main.go:12
)--");
}

TEST(Tree, shows_callers_and_callees) {
  EXPECT_EQ(printed(ReportKind::kTree, {}), R"--(File: server
Build ID: abc
built by hand
Type: cpu
Time: 2020-09-13 12:26:40 UTC
Duration: 1.50s, Total samples = 700ms (46.67%)
Showing nodes accounting for 700ms, 100% of 700ms total
----------------------------------------------------------+-------------
      flat  flat%   sum%        cum   cum%   calls calls% + context 	 	 
----------------------------------------------------------+-------------
                                             500ms   100% |   main.(*Server).serve
     300ms 42.86% 42.86%      500ms 71.43%                | tree.walk
                                             200ms 40.00% |   tree.compare (inline)
----------------------------------------------------------+-------------
                                             200ms   100% |   tree.walk (inline)
     200ms 28.57% 71.43%      200ms 28.57%                | tree.compare
----------------------------------------------------------+-------------
                                             100ms   100% |   main.(*Server).serve
     100ms 14.29% 85.71%      100ms 14.29%                | runtime.mallocgc
----------------------------------------------------------+-------------
                                              50ms 71.43% |   main.(*Server).serve
      70ms 10.00% 95.71%       70ms 10.00%                | [libc.so.6]
----------------------------------------------------------+-------------
                                             680ms   100% |   main.main
      30ms  4.29%   100%      680ms 97.14%                | main.(*Server).serve
                                             500ms 73.53% |   tree.walk
                                             100ms 14.71% |   runtime.mallocgc
                                              50ms  7.35% |   [libc.so.6]
----------------------------------------------------------+-------------
         0     0%   100%      680ms 97.14%                | main.main
                                             680ms   100% |   main.(*Server).serve
----------------------------------------------------------+-------------
)--");
}

TEST(Peek, shows_only_what_matches) {
  EXPECT_EQ(printed(ReportKind::kPeek, {}, "walk"), R"--(File: server
Build ID: abc
built by hand
Type: cpu
Time: 2020-09-13 12:26:40 UTC
Duration: 1.50s, Total samples = 700ms (46.67%)
Showing nodes accounting for 700ms, 100% of 700ms total
----------------------------------------------------------+-------------
      flat  flat%   sum%        cum   cum%   calls calls% + context 	 	 
----------------------------------------------------------+-------------
                                             500ms   100% |   main.(*Server).serve
     300ms 42.86% 42.86%      500ms 71.43%                | tree.walk
                                             200ms 40.00% |   tree.compare (inline)
----------------------------------------------------------+-------------
)--");
}

TEST(Traces, show_each_sample_with_its_labels) {
  EXPECT_EQ(printed(ReportKind::kTraces, {.filters = {.ignore = "libc"}}), R"--(File: server
Build ID: abc
built by hand
Type: cpu
Time: 2020-09-13 12:26:40 UTC
Duration: 1.50s, Total samples = 700ms (46.67%)
-----------+-------------------------------------------------------
      path:  /get
     300ms   tree.walk
             tree.walk
             main.(*Server).serve
             main.main
-----------+-------------------------------------------------------
      path:  /get
     bytes:  4kB
     200ms   tree.compare (inline)
             tree.walk
             tree.walk
             main.(*Server).serve
             main.main
-----------+-------------------------------------------------------
      path:  /put
     bytes:  4kB
     100ms   runtime.mallocgc
             main.(*Server).serve
             main.main
-----------+-------------------------------------------------------
      30ms   main.(*Server).serve
             main.main
-----------+-------------------------------------------------------
)--");
}

TEST(Tags, sum_by_value) {
  EXPECT_EQ(printed(ReportKind::kTags, {}), R"--( bytes: Total 300ms of 700ms (42.86%)
        300ms (42.86%): 4kB

 path: Total 650ms of 700ms (92.86%)
       500ms (71.43%): /get
       150ms (21.43%): /put

)--");
}

TEST(Raw, shows_everything) {
  EXPECT_EQ(printed(ReportKind::kRaw, {}), R"--(Comment: built by hand
PeriodType: cpu nanoseconds
Period: 10000000
Time: 2020-09-13 12:26:40.123 +0000 UTC
Duration: 1.5s
Samples:
samples/count cpu/nanoseconds
         30  300000000: 3 3 2 1 
                path:[/get]
         20  200000000: 4 3 2 1 
                path:[/get]
                bytes:[4096 bytes]
         10  100000000: 5 2 1 
                path:[/put]
                bytes:[4096 bytes]
          5   50000000: 6 2 1 
                path:[/put]
          3   30000000: 2 1 
          2   20000000: 6 
Locations
     1: 0x401000 M=1 main.main /src/app/main.go:12:0 s=10
     2: 0x402000 M=1 main.(*Server).serve /src/app/../app/server.go:25:0 s=20
     3: 0x403000 M=1 tree.walk /src/tree/walk.go:8:0 s=5
     4: 0x403010 M=1 tree.compare /src/tree/walk.go:42:0 s=40
             tree.walk /src/tree/walk.go:9:0 s=5
     5: 0x404000 M=1 runtime.mallocgc /go/runtime/malloc.go:950:0 s=900
     6: 0x7f0100 M=2 
Mappings
1: 0x400000/0x500000/0x0 /opt/app/server abc 
2: 0x7f0000/0x7f8000/0x0 /lib/libc.so.6  
)--");
}

TEST(Dot, draws_nodes_tags_and_edges) {
  EXPECT_EQ(printed(ReportKind::kDot, {.node_count = 4}), R"--(digraph "server" {
node [style=filled fillcolor="#f8f8f8"]
subgraph cluster_L { "File: server" [shape=box fontsize=16 label="File: server\lBuild ID: abc\lbuilt by hand\lType: cpu\lTime: 2020-09-13 12:26:40 UTC\lDuration: 1.50s, Total samples = 700ms (46.67%)\lShowing nodes accounting for 330ms, 47.14% of 700ms total\lShowing top 3 nodes out of 6\l\lSee https://git.io/JfYMW for how to read the graph\l" tooltip="server"] }
N1 [label="tree\nwalk\n300ms (42.86%)\nof 500ms (71.43%)" id="node1" fontsize=24 shape=box tooltip="tree.walk (500ms)" color="#b21100" fillcolor="#edd7d5"]
N1_0 [label = "path:/get" id="N1_0" fontsize=8 shape=box3d tooltip="500ms"]
N1 -> N1_0 [label=" 500ms" weight=100 tooltip="500ms" labeltooltip="500ms"]
NN1_0_0 [label = "4kB" id="NN1_0_0" fontsize=8 shape=box3d tooltip="200ms"]
N1_0 -> NN1_0_0 [label=" 200ms" weight=100 tooltip="200ms" labeltooltip="200ms" style="dotted"]
N2 [label="main\nmain\n0 of 680ms (97.14%)" id="node2" fontsize=8 shape=box tooltip="main.main (680ms)" color="#b20100" fillcolor="#edd5d5"]
N3 [label="main\n(*Server)\nserve\n30ms (4.29%)\nof 680ms (97.14%)" id="node3" fontsize=14 shape=box tooltip="main.(*Server).serve (680ms)" color="#b20100" fillcolor="#edd5d5"]
N2 -> N3 [label=" 680ms" weight=98 penwidth=5 color="#b20100" tooltip="main.main -> main.(*Server).serve (680ms)" labeltooltip="main.main -> main.(*Server).serve (680ms)"]
N3 -> N1 [label=" 500ms" weight=72 penwidth=4 color="#b21100" tooltip="main.(*Server).serve -> tree.walk (500ms)" labeltooltip="main.(*Server).serve -> tree.walk (500ms)"]
}
)--");
}

TEST(Callgrind, shortens_names_and_addresses) {
  EXPECT_EQ(printed(ReportKind::kCallgrind, {}), R"--(positions: instr line
events: cpu(ms)

ob=(1) /opt/app/server
fl=(1) /src/tree/walk.go
fn=(1) tree.walk
0x403000 8 300
cfl=(1)
cfn=(1)
calls=0 0x403010 9
* * 200

ob=(1)
fl=(1)
fn=(2) tree.compare
+16 42 200

ob=(1)
fl=(2) /go/runtime/malloc.go
fn=(3) runtime.mallocgc
+4080 950 100

ob=(2) /lib/libc.so.6
fl=
fn=
0x7f0100 0 70

ob=(1)
fl=(3) /src/app/server.go
fn=(4) main.(*Server).serve
0x402000 25 30
cfl=(1)
cfn=(1)
calls=0 0x403000 8
* * 500
cfl=(2)
cfn=(3)
calls=0 0x404000 950
* * 100
cfl=
cfn=
calls=0 * 0
* * 50

ob=(1)
fl=(4) /src/app/main.go
fn=(5) main.main
-4096 12 0
cfl=(3)
cfn=(4)
calls=0 * 25
* * 680

ob=(1)
fl=(1)
fn=(1)
+8208 9 0
cfl=(1)
cfn=(2)
calls=0 +8208 42
* * 200
)--");
}

TEST(Peek, says_when_nothing_matches) {
  EXPECT_EQ(printed(ReportKind::kPeek, {}, "nothing"), "no matches found for regexp: nothing");
}

TEST(List, says_that_a_file_is_missing) {
  std::string text = printed(ReportKind::kList, {}, "compare");
  EXPECT_NE(text.find("ROUTINE ======================== tree.compare in /src/tree/walk.go"), std::string::npos);
  EXPECT_NE(text.find(" Error: open /src/tree/walk.go: no such file or directory"), std::string::npos) << text;
}

TEST(Report, refuses_broken_options) {
  EXPECT_EQ(printed(ReportKind::kTop, {.filters = {.focus = "(a"}}),
            "parsing focus regexp: error parsing regexp: missing closing ): `(a`");
  EXPECT_EQ(printed(ReportKind::kTop, {.sample_index = "heap"}), "sample_index \"heap\" must be one of: [samples cpu]");
  EXPECT_EQ(printed(ReportKind::kTop, {.divide_by = 0}), "zero divisor specified");
  EXPECT_EQ(printed(ReportKind::kPeek, {}, "*"),
            "parsing argument regexp *: error parsing regexp: missing argument to repetition operator: `*`");
}

TEST(Report, survives_values_at_the_ends_of_their_range) {
  for (ReportKind kind : {ReportKind::kTop, ReportKind::kTree, ReportKind::kTraces, ReportKind::kDot}) {
    for (int64_t value : {INT64_MIN, INT64_MAX, int64_t{-1}}) {
      Profile p = small_profile();
      p.values[0].assign(p.sample_count(), 0);
      p.values[0][0] = -1;  // the divisor of the mean
      for (int64_t& v : p.values[1]) v = value;
      std::vector<std::string> notes;
      auto r = Report::prepare(p, kind, {.mean = true}, "", notes);
      ASSERT_TRUE(r);
      if (kind == ReportKind::kTop) EXPECT_FALSE(print_top(**r).empty());
      if (kind == ReportKind::kTree) EXPECT_TRUE(print_tree(**r));
      if (kind == ReportKind::kTraces)
        EXPECT_FALSE(collect_text([&](const TextSink& sink) { print_traces(**r, sink); }).empty());
      if (kind == ReportKind::kDot) EXPECT_FALSE(print_dot(**r).empty());
    }
  }
}

TEST(Rows, top_gives_values) {
  auto top = top_rows(small_profile(), {});
  ASSERT_TRUE(top);
  EXPECT_EQ(top->total, 700'000'000);
  EXPECT_EQ(top->unit, "nanoseconds");
  ASSERT_GE(top->rows.size(), 3u);
  EXPECT_EQ(top->rows[0].function, "tree.walk");
  EXPECT_EQ(top->rows[0].flat, 300'000'000);
  EXPECT_EQ(top->rows[0].cum, 500'000'000);
  EXPECT_EQ(top->rows[1].function, "tree.compare");
  EXPECT_EQ(top->rows[1].inlining, Inlining::kAll);
}

TEST(Rows, peek_gives_neighbours) {
  auto rows = peek_rows(small_profile(), {}, "serve");
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  const PeekRow& serve = (*rows)[0];
  ASSERT_EQ(serve.callers.size(), 1u);
  EXPECT_EQ(serve.callers[0].name, "main.main");
  EXPECT_EQ(serve.callers[0].weight, 680'000'000);
  ASSERT_EQ(serve.callees.size(), 3u);
  EXPECT_EQ(serve.callees[0].name, "tree.walk");
  EXPECT_EQ(peek_rows(small_profile(), {}, "nothing").error().code, ErrorCode::kNotFound);
}

TEST(Rows, call_trees_add_up_and_keep_what_is_heavy) {
  auto tree = call_tree(small_profile(), {});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->total, 700'000'000);
  EXPECT_EQ(tree->nodes[0].total, 700'000'000);
  for (const auto& n : tree->nodes) {
    int64_t parts = n.self + n.others;
    for (uint32_t c : n.children) parts += tree->nodes[c].total;
    EXPECT_EQ(parts, n.total) << n.name;
  }
  auto small = call_tree(small_profile(), {}, {.max_nodes = 3});
  ASSERT_TRUE(small);
  ASSERT_EQ(small->nodes.size(), 3u);
  EXPECT_EQ(small->nodes[2].name, "main.(*Server).serve");
  EXPECT_EQ(small->nodes[2].others, 650'000'000);
}

}  // namespace
}  // namespace watchfire::profile
