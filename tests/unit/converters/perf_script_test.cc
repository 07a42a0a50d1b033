#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "converters/decode_any.h"
#include "converters/folded/encode.h"
#include "converters/perfscript/decode.h"
#include "converters/perfscript/lines.h"
#include "tests/support/corpus.h"

namespace watchfire::converters {
namespace {

profile::Profile read(std::string_view text) {
  auto p = decode_any(text, DecodeLimits::offline());
  EXPECT_TRUE(p) << p.error().message;
  if (!p) return {};
  EXPECT_TRUE(validate(*p)) << validate(*p).error().message;
  return *std::move(p);
}

std::map<std::string, int64_t> totals(const profile::Profile& p) {
  std::map<std::string, int64_t> out;
  for (size_t t = 0; t < p.values.size(); ++t) {
    int64_t& sum = out[std::string(p.text(p.sample_types[t].type))];
    for (int64_t v : p.values[t]) sum += v;
  }
  return out;
}

std::string labels_text(const profile::Profile& p, size_t sample) {
  std::string out;
  for (const auto& l : p.label_sets[p.sample_label_sets[sample]]) {
    out += std::string(p.text(l.key)) + "=" + (l.is_number ? std::to_string(l.num) : std::string(p.text(l.str))) + " ";
  }
  return out;
}

TEST(PerfScript, header_lines_of_every_kind) {
  struct Case {
    const char* line;
    const char* comm;
    int64_t pid, tid;
    int64_t time_ns;
    uint64_t period;
    const char* event;
  };
  for (const Case& c :
       {Case{"xz 10658  1480.574446:   52631578 cpu-clock:u: ", "xz", 10658, 10658, 1480574446000, 52631578,
             "cpu-clock:u"},
        {"forks     9 [002] 203265.377019:    1001001 cpu-clock: ", "forks", 9, 9, 203265377019000, 1001001,
         "cpu-clock"},
        {"simple-terminat     9/11     198791.127353: cpu-clock: ", "simple-terminat", 9, 11, 198791127353000, 1,
         "cpu-clock"},
        {"perf   843 [000] K     1.5:          7 page-faults: ", "perf", 843, 843, 1500000000, 7, "page-faults"},
        {"a b 843 Sp  1.5: 7 cycles: ", "a b", 843, 843, 1500000000, 7, "cycles"},
        {"Web Content 2 4001/4002 [001] 1.000000001: 5 cycles:ppp:", "Web Content 2", 4001, 4002, 1000000001, 5,
         "cycles:ppp"},
        {"swapper 0 [000] 1.5: sched:sched_switch: prev_comm=a prev_pid=3", "swapper", 0, 0, 1500000000, 1,
         "sched:sched_switch"},
        {"late 7 55555555552.1: 5 cycles:", "late", 7, 7, -1, 5, "cycles"},
        {"a 7 9 cpu/mem-loads,ldlat=30/P:", "a", 7, 7, -1, 9, "cpu/mem-loads,ldlat=30/P"}}) {
    auto h = parse_perf_header(c.line);
    ASSERT_TRUE(h) << c.line;
    EXPECT_EQ(h->comm, c.comm);
    EXPECT_EQ(h->pid, c.pid) << c.line;
    EXPECT_EQ(h->tid, c.tid) << c.line;
    EXPECT_EQ(h->time_ns, c.time_ns) << c.line;
    EXPECT_EQ(h->period, c.period) << c.line;
    EXPECT_EQ(h->event, c.event) << c.line;
  }
  EXPECT_FALSE(parse_perf_header("no header at all"));
}

TEST(PerfScript, frame_lines_of_every_kind) {
  auto f = parse_perf_frame("\t    7f3a foo(int, char (*)(long))+0x1f (/usr/lib/my lib.so (deleted))");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->address, 0x7f3au);
  EXPECT_EQ(f->symbol, "foo(int, char (*)(long))");
  EXPECT_EQ(f->file, "/usr/lib/my lib.so (deleted)");
  f = parse_perf_frame(" ffffffffad14d115 [unknown] ([kernel.kallsyms])");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->symbol, "");
  EXPECT_EQ(f->file, "[kernel.kallsyms]");
  f = parse_perf_frame("\t   27304 g+0x84 (inlined)");
  ASSERT_TRUE(f);
  EXPECT_TRUE(f->is_inlined);
  f = parse_perf_frame("\t 6ce258d4c544155 [unknown] ([unknown])");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->file, "");
  EXPECT_FALSE(parse_perf_frame("ffff main", FileOfFrame::kNeeded));
  f = parse_perf_frame("\t    7f3a foo(int)+0x1f");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->symbol, "foo(int)");
  EXPECT_EQ(f->file, "");
  EXPECT_FALSE(parse_perf_frame("\tmain"));
  EXPECT_FALSE(parse_perf_frame("\tzz main (/a)"));
}

constexpr std::string_view kText =
    "# cmdline : /usr/bin/perf record -g ./a \n"
    "a 10/11 1.000000: 100 cycles:u: \n"
    "\t  1010 leaf+0x10 (/bin/a)\n"
    "\t  1020 small (inlined)\n"
    "\t  1020 caller+0x20 (/bin/a)\n"
    "\t  2000 [unknown] (/lib/b.so)\n"
    "\n"
    "a 10/11 1.500000: 50 instructions:u: \n"
    "\t  1010 leaf+0x10 (/bin/a)\n"
    "\t  1020 small (inlined)\n"
    "\t  1020 caller+0x20 (/bin/a)\n"
    "\t  2000 [unknown] (/lib/b.so)\n"
    "\n";

TEST(PerfScript, events_are_sample_types_and_processes_labels) {
  auto p = read(kText);
  EXPECT_EQ(totals(p), (std::map<std::string, int64_t>{{"cycles:u_event", 100},
                                                       {"cycles:u_sample", 1},
                                                       {"instructions:u_event", 50},
                                                       {"instructions:u_sample", 1}}));
  ASSERT_EQ(p.sample_count(), 1u);
  EXPECT_EQ(labels_text(p, 0), "comm=a pid=10 tid=11 ");
  EXPECT_EQ(encode_folded(p, 1), "[b.so];caller;small;leaf 100\n");
  auto stack = p.stacks[p.sample_stacks[0]];
  ASSERT_EQ(stack.size(), 3u);
  EXPECT_EQ(p.lines_of(p.locations[stack[1]]).size(), 2u);
  EXPECT_EQ(p.duration_ns, 500'000'000);
  EXPECT_EQ(p.text(p.default_sample_type), "cycles:u_event");
  ASSERT_EQ(p.comments.size(), 1u);
  EXPECT_EQ(p.text(p.comments[0]), "perf-command:/usr/bin/perf record -g ./a");
}

TEST(PerfScript, frames_without_files_are_frames) {
  auto p = read("a 10 1.0: 5 cycles: \n\t    1010 leaf\n\t    1020 main+0x3\n\n");
  ASSERT_EQ(p.sample_count(), 1u);
  EXPECT_EQ(p.functions.size(), 2u);
  EXPECT_TRUE(p.comments.empty());
  EXPECT_EQ(encode_folded(p, 1), "main;leaf 5\n");
  p = read("a 10 1.0: 5 cycles: \n\t    1010 leaf\n\t    1020 ma");
  ASSERT_EQ(p.comments.size(), 1u);
  EXPECT_EQ(p.text(p.comments[0]), "perf-script: the text ends within a line");
}

TEST(DecodeAny, profiles_of_other_tools_are_refused_by_name) {
  struct Case {
    const char* text;
    const char* what;
  };
  for (const Case& c :
       {Case{R"({"nodes":[{"id":1,"callFrame":{}}],"startTime":1,"endTime":2,"samples":[1],"timeDeltas":[0]})",
             "V8 CPU"},
        Case{R"({"head":{"callFrame":{"functionName":"root"},"selfSize":0},"samples":[]
})",
             "V8 heap"},
        Case{R"({"$schema":"https://www.speedscope.app/file-format-schema.json","profiles":[]})", "speedscope"},
        Case{R"({"traceEvents":[{"ph":"X"}]})", "trace events"}, Case{R"({"a":1})", "looks like JSON"}}) {
    auto p = decode_any(c.text, DecodeLimits::offline());
    ASSERT_FALSE(p);
    EXPECT_NE(p.error().message.find(c.what), std::string::npos) << p.error().message;
  }
}

TEST(PerfScript, dumps_of_stacks_are_none) {
  for (const char* text : {"goroutine 7 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d\n",
                           "panic: oh\n\ngoroutine 1 [chan receive, 2 minutes]:\nmain.main()\n\t/app/main.go:8\n",
                           "goroutine 1 [running]:\nmain.main()\n\t/app/main.go:8 +0x1d\n"}) {
    auto p = decode_any(text, DecodeLimits::offline());
    ASSERT_FALSE(p) << text;
    EXPECT_NE(p.error().message.find("looks like a dump of goroutines"), std::string::npos) << p.error().message;
    EXPECT_NE(p.error().hint.find("debug=1"), std::string::npos);
  }
  auto p =
      decode_any("Process 1: python x.py\n\nThread 12 (active): \"Main\"\n    f (x.py:3)\n", DecodeLimits::offline());
  EXPECT_FALSE(p);
}

TEST(PerfScript, other_records_and_broken_lines_are_told) {
  auto p = read(std::string(kText) +
                "a 10 2.0: PERF_RECORD_MMAP2 10/10: [0x1(0x2) @ 0 08:01 1 0]: r-xp /bin/a\n"
                "what is this\na 10/11 3.000000: 1 cycles:u: \n\t  1010 leaf+0x10 (/bin");
  ASSERT_EQ(p.comments.size(), 4u);
  EXPECT_EQ(p.text(p.comments[1]), "perf-script: 1 records that are no samples");
  EXPECT_EQ(p.text(p.comments[2]), "perf-script: 2 lines not understood");
  EXPECT_EQ(p.text(p.comments[3]), "perf-script: the text ends within a line");
}

TEST(PerfScript, limits_hold_while_it_is_read) {
  DecodeLimits l;
  l.stack_depth = 2;
  EXPECT_NE(decode_perf_script(kText, l).error().message.find("limit stack_depth"), std::string::npos);
  l = {};
  l.sample_types = 2;
  EXPECT_NE(decode_perf_script(kText, l).error().message.find("limit sample_types"), std::string::npos);
}

// What the text says by itself: lines that start samples, and the number before the event.
std::map<std::string, int64_t> stated_totals(const std::string& text) {
  std::map<std::string, int64_t> out;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    size_t event_end = line.find(":u:");
    if (line.empty() || line[0] == '#' || line[0] == '\t' || event_end == std::string::npos) continue;
    size_t event = line.rfind(' ', event_end) + 1;
    size_t colon = line.find(": ");
    std::string name = line.substr(event, event_end + 2 - event);
    out[name + "_sample"] += 1;
    out[name + "_event"] += std::stoll(line.substr(colon + 1));
  }
  return out;
}

TEST(PerfScript, corpus_counts_are_those_of_the_text) {
  for (const char* name : {"fp_plain_u", "fp_zstd_u", "dwarf_plain_u", "flat_multi_u", "pipe_u", "switch_u"}) {
    WF_CORPUS_OR_SKIP(text, "generated-perf6.1/" + std::string(name) + ".script.txt");
    auto p = read(text);
    EXPECT_EQ(totals(p), stated_totals(text)) << name;
    for (auto c : p.comments) EXPECT_FALSE(p.text(c).starts_with("perf-script:")) << name << " " << p.text(c);
    bool has_frames = p.stacks.size() > 2;
    EXPECT_TRUE(has_frames) << name;
  }
}

TEST(PerfScript, corpus_texts_of_other_versions_are_understood_whole) {
  for (const char* name :
       {"forks", "one-sample", "simple", "simple-with-header", "simple-with-pid", "system-wide", "rust-mangled"}) {
    WF_CORPUS_OR_SKIP(text, "jlfwong-speedscope/sample/profiles/linux-perf/" + std::string(name) + ".linux-perf.txt");
    auto p = read(text);
    EXPECT_GE(p.sample_count(), 1u) << name;
    for (auto c : p.comments) EXPECT_FALSE(p.text(c).starts_with("perf-script:")) << name << " " << p.text(c);
  }
}

}  // namespace
}  // namespace watchfire::converters
