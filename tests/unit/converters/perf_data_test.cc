#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "converters/decode_any.h"
#include "converters/perfdata/address_space.h"
#include "converters/perfdata/decode.h"
#include "converters/perfdata/runtime_code.h"
#include "converters/pprof/encode.h"
#include "converters/pprof/inflate.h"
#include "tests/support/corpus.h"
#include "tests/support/perf_file.h"

namespace watchfire::converters {
namespace {

using profile::Profile;
using testing::PerfFile;

struct Read {
  Profile profile;
  PerfDataStats stats;
};

Read read(std::string_view bytes, const PerfDataOptions& options = {}) {
  Read out;
  auto p = decode_perf_data(bytes, options, DecodeLimits::offline(), &out.stats);
  EXPECT_TRUE(p) << p.error().message;
  if (!p) return out;
  EXPECT_TRUE(validate(*p)) << validate(*p).error().message;
  out.profile = *std::move(p);
  return out;
}

std::map<std::string, int64_t> totals(const Profile& p) {
  std::map<std::string, int64_t> out;
  for (size_t t = 0; t < p.values.size(); ++t) {
    int64_t& sum = out[std::string(p.text(p.sample_types[t].type))];
    for (int64_t v : p.values[t]) sum += v;
  }
  return out;
}

std::vector<uint64_t> addresses(const Profile& p, size_t sample) {
  std::vector<uint64_t> out;
  for (uint32_t l : p.stacks[p.sample_stacks[sample]]) out.push_back(p.locations[l].address);
  return out;
}

bool has_comment(const Profile& p, std::string_view text) {
  for (auto c : p.comments) {
    if (p.text(c) == text) return true;
  }
  return false;
}

constexpr uint64_t kUser = static_cast<uint64_t>(-512);
constexpr uint64_t kKernel = static_cast<uint64_t>(-128);

TEST(PerfData, return_addresses_point_into_the_call_and_unmapped_frames_go) {
  PerfFile f;
  f.mmap2(7, 0x400000, 0x10000, 0, "/bin/server");
  f.sample({.ip = 0x401000,
            .pid = 7,
            .tid = 8,
            .time = 10,
            .period = 5,
            .chain = {kKernel, kUser, 0x401000, 0x402000, 0x900000, 0x400000, 0x403000}});
  Read r = read(f.bytes());
  ASSERT_EQ(r.profile.sample_count(), 1u);
  EXPECT_EQ(addresses(r.profile, 0), (std::vector<uint64_t>{0x401000, 0x401fff, 0x402fff}));
  EXPECT_EQ(totals(r.profile), (std::map<std::string, int64_t>{{"cycles_event", 5}, {"cycles_sample", 1}}));
  EXPECT_EQ(r.stats.unmapped_frames, 2u);
  EXPECT_TRUE(has_comment(r.profile, "perf-data: 2 frames in no known mapping, left out"));
  EXPECT_EQ(r.profile.text(r.profile.mappings[0].file), "/bin/server");
}

TEST(PerfData, records_take_effect_in_order_of_time) {
  PerfFile f;
  f.sample({.ip = 0x401000, .pid = 7, .tid = 7, .time = 30});
  f.mmap2(7, 0x400000, 0x10000, 20, "/bin/new");
  f.sample({.ip = 0x401000, .pid = 7, .tid = 7, .time = 15});
  f.mmap2(7, 0x400000, 0x10000, 10, "/bin/old");
  Read r = read(f.bytes());
  ASSERT_EQ(r.profile.sample_count(), 2u);
  std::map<std::string, int64_t> files;
  for (const auto& m : r.profile.mappings) ++files[std::string(r.profile.text(m.file))];
  EXPECT_EQ(files.size(), 2u);
  EXPECT_EQ(r.profile.duration_ns, 15);
}

TEST(PerfData, forks_inherit_mappings_and_names_and_exec_forgets_them) {
  PerfFile f;
  f.comm(7, 7, 1, "parent", false);
  f.mmap2(7, 0x400000, 0x10000, 2, "/bin/parent");
  f.fork(9, 7, 3);
  f.sample({.ip = 0x401000, .pid = 9, .tid = 9, .time = 4});
  f.comm(9, 9, 5, "child", true);
  f.sample({.ip = 0x401000, .pid = 9, .tid = 9, .time = 6});
  auto processes = decode_perf_processes(f.bytes());
  ASSERT_TRUE(processes) << processes.error().message;
  ASSERT_EQ(processes->size(), 1u);
  EXPECT_EQ((*processes)[0].comm, "child");
  const Profile& p = (*processes)[0].profile;
  ASSERT_EQ(p.sample_count(), 2u);
  EXPECT_EQ(addresses(p, 0).size(), 1u);
  EXPECT_EQ(addresses(p, 1).size(), 0u);
}

TEST(PerfData, idle_threads_have_their_name) {
  PerfFile f;
  f.sample({.ip = 1, .pid = 0, .tid = 0, .time = 4});
  f.sample({.ip = 1, .pid = 5, .tid = 5, .time = 4});
  Profile p = read(f.bytes()).profile;
  ASSERT_EQ(p.sample_count(), 2u);
  auto comm = [&](size_t sample) {
    for (const auto& l : p.label_sets[p.sample_label_sets[sample]])
      if (p.text(l.key) == "comm") return std::string(p.text(l.str));
    return std::string();
  };
  EXPECT_EQ(comm(0), "swapper");
  EXPECT_EQ(comm(1), "");
}

TEST(PerfData, only_the_process_asked_for) {
  PerfFile f;
  f.sample({.ip = 1, .pid = 7, .tid = 7, .time = 4});
  f.sample({.ip = 1, .pid = 8, .tid = 8, .time = 5});
  Read r = read(f.bytes(), {.pid = 8});
  EXPECT_EQ(r.stats.samples, 1u);
  EXPECT_EQ(r.stats.other_processes, 1u);
}

TEST(PerfData, what_is_not_used_is_told_by_name) {
  PerfFile f;
  f.record(14, 0, std::string(24, '\0'));
  f.record(200, 0, "12345678");
  f.record(2, 0, std::string("\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 16));
  f.sample({.ip = 1, .pid = 7, .tid = 7, .time = 4});
  Read r = read(f.bytes());
  EXPECT_EQ(r.stats.records,
            (std::map<std::string, uint64_t>{{"SWITCH", 1}, {"UNKNOWN", 1}, {"LOST", 1}, {"SAMPLE", 1}}));
  EXPECT_TRUE(has_comment(r.profile, "perf-data: records not used: SWITCH=1 UNKNOWN=1"));
  EXPECT_TRUE(has_comment(r.profile, "perf-data: 5 samples lost while recording"));
}

TEST(PerfData, says_which_processes_ran_code_of_no_file) {
  PerfFile f;
  f.mmap2(7, 0x400000, 0x10000, 1, "/bin/server");
  f.mmap2(8, 0x400000, 0x10000, 1, "//anon");
  f.mmap2(9, 0x400000, 0x10000, 1, "/home/user/.debug/jit/jit-9.dump");
  f.mmap2(9, 0x500000, 0x10000, 1, "/tmp/jit-9.dump.txt");
  f.mmap2(9, 0x600000, 0x10000, 1, "jit-9.dump");
  f.mmap2(9, 0x700000, 0x10000, 1, "/tmp/jit-.dump");
  auto found = find_runtime_code(f.bytes());
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->pids, std::set<uint32_t>{8});
  EXPECT_EQ(found->jitdumps, std::set<std::string>{"/home/user/.debug/jit/jit-9.dump"});
  EXPECT_FALSE(find_runtime_code("PERFILE2"));
}

TEST(PerfData, code_made_at_run_time_gets_its_name) {
  PerfSymbols symbols;
  ASSERT_TRUE(symbols.add_perf_map(7, "401000 100 LazyCompile:~f /app.js:1\nnonsense\n0x500000 10 g\n"));
  EXPECT_EQ(symbols.skipped(), 1u);
  PerfFile f;
  f.mmap2(7, 0x400000, 0x10000, 1, "//anon");
  f.sample({.ip = 0x401010, .pid = 7, .tid = 7, .time = 4, .chain = {kUser, 0x401010, 0x500008}});
  f.sample({.ip = 0x401010, .pid = 8, .tid = 8, .time = 4});
  Read r = read(f.bytes(), {.symbols = &symbols});
  ASSERT_EQ(r.profile.functions.size(), 2u);
  EXPECT_EQ(r.profile.text(r.profile.functions[0].name), "LazyCompile:~f /app.js:1");
  EXPECT_EQ(r.profile.text(r.profile.functions[1].name), "g");
}

TEST(PerfData, what_lies_in_a_file_gets_no_name_of_code_made_at_run_time) {
  PerfSymbols symbols;
  ASSERT_TRUE(symbols.add_perf_map(7, "401000 100 made\n501000 100 also_made\n501100 100 next\n"));
  PerfFile f;
  f.mmap2(7, 0x400000, 0x10000, 1, "/usr/bin/server");
  f.mmap2(7, 0x500000, 0x10000, 1, "/memfd:code (deleted)");
  f.sample({.ip = 0x401010, .pid = 7, .tid = 7, .time = 4, .chain = {kUser, 0x401010, 0x501100}});
  Read r = read(f.bytes(), {.symbols = &symbols});
  ASSERT_EQ(r.profile.functions.size(), 1u);
  EXPECT_EQ(r.profile.text(r.profile.functions[0].name), "also_made") << "it called with its last instruction";
}

TEST(PerfSymbols, jitdump_loads_moves_and_replaces_code) {
  ByteWriter w;
  auto header = [&](uint32_t id, uint32_t size) {
    w.write(id);
    w.write(size);
    w.write(uint64_t{1});
  };
  for (uint32_t word : {0x4a695444u, 1u, 40u, 62u, 0u, 99u}) w.write(word);
  w.write(uint64_t{0});
  w.write(uint64_t{0});
  auto load = [&](uint64_t address, uint64_t size, std::string_view name) {
    header(0, static_cast<uint32_t>(56 + name.size() + 1 + 4));
    for (uint64_t word : {uint64_t{99} << 32 | 99, address, address, size, uint64_t{1}}) w.write(word);
    w.write_bytes(as_bytes(name));
    w.write_bytes(as_bytes(std::string_view("\0code", 5)));
  };
  load(0x1000, 0x100, "first");
  load(0x1080, 0x10, "second");
  load(0x3000, 0x10, "third");
  header(1, 16 + 48);
  for (uint64_t word : {uint64_t{0}, uint64_t{0}, uint64_t{0x3000}, uint64_t{0x4000}, uint64_t{0x10}, uint64_t{1}}) {
    w.write(word);
  }
  PerfSymbols symbols;
  ASSERT_TRUE(symbols.add_jitdump(w.text()));
  EXPECT_EQ(symbols.find(99, 0x1010), "first");
  EXPECT_EQ(symbols.find(99, 0x1085), "second");
  EXPECT_EQ(symbols.find(99, 0x1095), "");
  EXPECT_EQ(symbols.find(99, 0x3000), "");
  EXPECT_EQ(symbols.find(99, 0x4000), "third");
  EXPECT_EQ(symbols.find(98, 0x1010), "");
  for (size_t n = 0; n < w.size(); ++n) {
    PerfSymbols cut;
    (void)cut.add_jitdump(w.text().substr(0, n));
    EXPECT_LE(cut.size(), 3u);
  }
}

TEST(PerfData, a_mapping_in_the_middle_of_another_leaves_both_ends) {
  perf::AddressSpaces spaces{DecodeLimits()};
  ASSERT_TRUE(spaces.map(1, {.start = 0x1000, .limit = 0x9000, .file = "a"}));
  ASSERT_TRUE(spaces.map(1, {.start = 0x3000, .limit = 0x4000, .file = "b"}));
  ASSERT_TRUE(spaces.map(1, {.start = 0x8000, .limit = 0xa000, .file = "c"}));
  auto file = [&](uint64_t a) {
    uint32_t i = spaces.find(1, a);
    return i == perf::AddressSpaces::kNoFile ? std::string("-") : spaces.files()[i].file;
  };
  EXPECT_EQ(file(0x2fff) + file(0x3000) + file(0x3fff) + file(0x4000) + file(0x7fff) + file(0x8000) + file(0x9fff) +
                file(0xa000) + file(0xfff),
            "abbaacc--");
}

TEST(PerfData, limits_hold_while_it_is_read) {
  PerfFile f;
  for (uint32_t i = 0; i < 10; ++i) {
    f.mmap2(7, 0x400000 + i * 0x1000, 0x1000, 0, "/bin/server");
    f.sample(
        {.ip = 0x400000 + i * 0x1000, .pid = 7, .tid = 7, .time = 10 + i, .chain = {kUser, 1, 0x400001, 0x400002}});
  }
  auto message = [&](auto set) {
    DecodeLimits l;
    set(l);
    auto p = decode_perf_data(f.bytes(), {}, l);
    return p ? "" : p.error().message;
  };
  EXPECT_NE(message([](DecodeLimits& l) { l.samples = 5; }).find("limit samples"), std::string::npos);
  EXPECT_NE(message([](DecodeLimits& l) { l.mappings = 5; }).find("limit mappings"), std::string::npos);
  EXPECT_NE(message([](DecodeLimits& l) { l.stack_depth = 1; }).find("limit stack_depth"), std::string::npos);
  EXPECT_NE(message([](DecodeLimits& l) { l.sample_types = 0; }).find("limit sample_types"), std::string::npos);
  EXPECT_NE(message([](DecodeLimits& l) { l.decompressed_bytes = 50; }).find("limit decompressed_bytes"),
            std::string::npos);
  EXPECT_EQ(message([](DecodeLimits&) {}), "");
}

TEST(PerfData, a_file_cut_anywhere_is_an_error_or_says_so) {
  PerfFile f;
  f.comm(7, 7, 1, "server", false);
  f.mmap2(7, 0x400000, 0x10000, 2, "/bin/server");
  f.sample({.ip = 0x401000, .pid = 7, .tid = 8, .time = 10, .period = 5, .chain = {kUser, 0x401000, 0x402000}});
  f.sample({.ip = 0x401000, .pid = 7, .tid = 8, .time = 11, .period = 5, .chain = {kUser, 0x401000, 0x402000}});
  std::string whole = f.bytes();
  size_t marked = 0;
  for (size_t n = 0; n < whole.size(); ++n) {
    PerfDataStats stats;
    auto p = decode_perf_data(std::string_view(whole).substr(0, n), {}, {}, &stats);
    if (!p) {
      EXPECT_FALSE(p.error().message.empty());
      continue;
    }
    EXPECT_TRUE(stats.is_cut) << n;
    marked += has_comment(*p, "perf-data: the file is cut or broken; this is what comes before");
  }
  EXPECT_GT(marked, 0u);
  EXPECT_FALSE(read(whole).stats.is_cut);
}

TEST(PerfData, a_recording_that_was_not_finished_is_read_to_its_end) {
  PerfFile f;
  f.sample({.ip = 0x401000, .pid = 7, .tid = 8, .time = 10});
  std::string bytes = f.bytes();
  for (size_t i = 48; i < 56; ++i) bytes[i] = '\0';
  Read r = read(bytes);
  EXPECT_EQ(r.stats.samples, 1u);
  EXPECT_TRUE(has_comment(r.profile, "perf-data: the recording was not finished"));
}

// Numbers that perf_to_profile's own tests state for these files: profiles, samples in them, frames above leaves.
TEST(PerfData, corpus_numbers_are_perf_to_profiles) {
  struct Case {
    const char* file;
    size_t profiles, rows, frames, samples;
  };
  for (const Case& c : {Case{"single-event-single-process", 1, 1061, 0, 45937},
                        {"multi-event-single-process", 1, 1124, 0, 39217},
                        {"single-event-multi-process", 6, 730, 0, 19989},
                        {"with-callchain", 1, 1210, 2247, 48399}}) {
    WF_CORPUS_OR_SKIP(bytes, "google-perf_data_converter/src/testdata/" + std::string(c.file) + ".perf.data");
    auto processes = decode_perf_processes(bytes, {.process_labels = false}, DecodeLimits::offline());
    ASSERT_TRUE(processes) << processes.error().message;
    size_t rows = 0;
    size_t frames = 0;
    int64_t samples = 0;
    for (const PerfProcess& process : *processes) {
      const Profile& p = process.profile;
      rows += p.sample_count();
      for (uint32_t s : p.sample_stacks) frames += p.stacks[s].empty() ? 0 : p.stacks[s].size() - 1;
      for (size_t t = 0; t < p.values.size(); t += 2) {
        for (int64_t v : p.values[t]) samples += v;
      }
    }
    EXPECT_EQ(processes->size(), c.profiles) << c.file;
    EXPECT_EQ(rows, c.rows) << c.file;
    EXPECT_EQ(frames, c.frames) << c.file;
    EXPECT_EQ(static_cast<size_t>(samples), c.samples) << c.file;
  }
}

// Leaves by file, and events, of our reading of the recording and of perf's own.
std::map<std::string, int64_t> leaf_files(const Profile& p) {
  std::map<std::string, int64_t> out;
  auto column = sample_index(p, "cpu-clock:u_sample");
  if (!column) return out;
  for (size_t i = 0; i < p.sample_count(); ++i) {
    auto stack = p.stacks[p.sample_stacks[i]];
    uint32_t m = stack.empty() ? profile::kNone : p.locations[stack[0]].mapping;
    out[m == profile::kNone ? "" : std::string(p.text(p.mappings[m].file))] += p.values[*column][i];
  }
  std::erase_if(out, [](const auto& entry) { return entry.second == 0; });
  return out;
}

TEST(PerfData, corpus_numbers_are_perf_scripts) {
  for (const char* name :
       {"fp_plain_u", "fp_zstd_u", "dwarf_plain_u", "dwarf_zstd_u", "flat_multi_u", "pipe_u", "switch_u"}) {
    std::string path = "generated-perf6.1/" + std::string(name);
    WF_CORPUS_OR_SKIP(bytes, path + ".perf.data");
    auto text = decode_any(testing::corpus_file(path + ".script.txt"));
    ASSERT_TRUE(text) << text.error().message;
    Read r = read(bytes);
    EXPECT_EQ(totals(r.profile), totals(*text)) << name;
    EXPECT_FALSE(r.stats.is_cut) << name;
    // perf leaves the first function out of stacks that it unwinds from inlined ones.
    if (!std::string_view(name).starts_with("dwarf")) {
      EXPECT_EQ(leaf_files(r.profile), leaf_files(*text)) << name;
    }
    EXPECT_EQ(r.stats.stack_dumps != 0, std::string_view(name).starts_with("dwarf")) << name;
  }
}

// What a recording holds, from its form as text.
struct TextCounts {
  uint64_t samples = 0;
  uint64_t periods = 0;                   // their sum
  std::map<std::string, uint64_t> types;  // of records
};
TextCounts count_lines(const std::string& text) {
  TextCounts out;
  bool in_header = false;
  for (size_t at = 0, end; at < text.size(); at = end + 1) {
    end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    if (line == "  sample_event {") ++out.samples;
    if (line.starts_with("    period: ")) out.periods += std::stoull(line.substr(12));
    if (in_header && line.starts_with("    type: ")) ++out.types[line.substr(10)];
    in_header = line == "  header {" || (in_header && line != "  }");
  }
  return out;
}

TEST(PerfData, corpus_record_counts_are_quippers) {
  size_t files = 0;
  for (const char* name : {"armv7-3.4",
                           "armv7.perf_3.14-3.8",
                           "branch-4.14",
                           "branch_stack_hw_index",
                           "branch_stack_spec",
                           "busy.0-3.8",
                           "callgraph-3.4",
                           "callgraph-3.8",
                           "callgraph_and_branch-3.4",
                           "ctx_switch_namespaces-4.14",
                           "group_desc-4.14",
                           "hw_and_sw-3.4",
                           "hybrid_topology",
                           "i686-3.4",
                           "intel_pt-4.14",
                           "lost_samples-4.4",
                           "piped.hw_and_sw-3.4",
                           "piped.target-3.4",
                           "piped.target-3.8",
                           "piped.target.throttled-3.4",
                           "proc.map.timeout-3.18",
                           "raw-3.4",
                           "raw_callgraph_branch-3.4",
                           "remmap-3.2",
                           "singleprocess-3.4",
                           "singleprocess-3.8",
                           "systemwide.0-3.4",
                           "systemwide.0-3.8",
                           "systemwide.1-3.8",
                           "systemwide.5-3.8"}) {
    std::string path = "google-perf_data_converter/src/quipper/testdata/perf.data." + std::string(name);
    WF_CORPUS_OR_SKIP(bytes, path);
    std::string packed = testing::corpus_file(path + ".pb_text.gz");
    auto golden = inflate_profile(packed, DecodeLimits::offline());
    ASSERT_TRUE(golden) << name;
    TextCounts expected = count_lines(std::string(golden->bytes));
    Read r = read(bytes);
    EXPECT_EQ(r.stats.samples, expected.samples) << name;
    EXPECT_EQ(r.stats.records["SAMPLE"], expected.types["9"]) << name;
    EXPECT_EQ(r.stats.records["COMM"], expected.types["3"]) << name;
    uint64_t weights = 0;
    for (size_t t = 1; t < r.profile.values.size(); t += 2) {
      for (int64_t v : r.profile.values[t]) weights += static_cast<uint64_t>(v);
    }
    if (expected.periods != 0) {
      EXPECT_EQ(weights, expected.periods) << name;
    }
    EXPECT_EQ(r.stats.broken_samples + r.stats.unknown_event, 0u) << name;
    EXPECT_FALSE(r.stats.is_cut) << name;
    ++files;
  }
  EXPECT_EQ(files, 30u);
}

TEST(PerfData, corpus_build_ids_are_quippers) {
  for (const char* name : {"singleprocess-3.8", "branch-4.14", "systemwide.5-3.8"}) {
    std::string path = "google-perf_data_converter/src/quipper/testdata/perf.data." + std::string(name);
    WF_CORPUS_OR_SKIP(bytes, path);
    std::string ids = testing::corpus_file(path + ".buildids");
    Read r = read(bytes);
    size_t known = 0;
    for (const auto& m : r.profile.mappings) {
      std::string id(r.profile.text(m.build_id));
      std::string file(r.profile.text(m.file));
      if (id.empty() || file.starts_with("[")) continue;
      EXPECT_NE(ids.find(id + " " + file), std::string::npos) << name << " " << id << " " << file;
      ++known;
    }
    EXPECT_TRUE(known > 0 || ids.find('/') == std::string::npos) << name;
  }
}

TEST(PerfData, corpus_broken_file_gives_a_clear_error) {
  WF_CORPUS_OR_SKIP(bytes,
                    "google-perf_data_converter/src/quipper/testdata/perf.data.piped.corrupted.zero_size_sample-3.2");
  auto p = decode_perf_data(bytes);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().message, "perf.data: cut before its first sample");
}

}  // namespace
}  // namespace watchfire::converters
