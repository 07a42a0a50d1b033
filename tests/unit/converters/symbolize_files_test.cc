#include "converters/symbolize_files.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/kallsyms.h"
#include "binaries/elf_file.h"

extern "C" __attribute__((noinline)) int watchfire_symbolize_me(int x) {
  return x + 1;
}

namespace watchfire::converters {
namespace {

/// A profile of one address in this program, mapped where it really is.
profile::Profile profile_of_self(const std::string& build_id) {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("samples"), p.strings.intern("count")}};
  auto address = reinterpret_cast<uint64_t>(&watchfire_symbolize_me);
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  char line[512];
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long start = 0, limit = 0, offset = 0;
    if (std::sscanf(line, "%lx-%lx %*s %lx", &start, &limit, &offset) != 3 || address < start || address >= limit) {
      continue;
    }
    p.mappings.push_back({.id = 1, .start = start, .limit = limit, .file_offset = offset});
  }
  if (maps != nullptr) std::fclose(maps);
  p.mappings[0].file = p.strings.intern("/the/program");
  p.mappings[0].build_id = p.strings.intern(build_id);
  p.locations.push_back({.id = 1, .address = address, .mapping = 0});
  const uint32_t stack[] = {0};
  const int64_t value[] = {1};
  p.add_sample(stack, {}, value);
  return p;
}

Result<std::string> read_self(const std::string& path) {
  EXPECT_EQ(path, "/the/program");
  return read_file("/proc/self/exe", size_t{512} << 20);
}

TEST(SymbolizeFiles, names_addresses_of_the_build_that_was_profiled) {
  auto bytes = read_self("/the/program");
  ASSERT_TRUE(bytes);
  std::string id = binaries::ElfFile::parse(as_bytes(*bytes))->build_id();
  std::vector<std::string> notes;
  auto p = profile_of_self(id);
  EXPECT_EQ(symbolize_from_files(p, read_self, notes), 1u);
  ASSERT_EQ(p.locations[0].line_count, 1u);
  EXPECT_EQ(p.text(p.functions[0].name), "watchfire_symbolize_me");
  EXPECT_TRUE(validate(p));
  EXPECT_EQ(notes.size(), id.empty() ? 1u : 0u);
}

TEST(SymbolizeFiles, another_build_is_not_used) {
  std::vector<std::string> notes;
  auto p = profile_of_self("0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(symbolize_from_files(p, read_self, notes), 0u);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("is another build now"), std::string::npos) << notes[0];
}

TEST(SymbolizeFiles, files_that_are_none_are_told) {
  std::vector<std::string> notes;
  auto p = profile_of_self("");
  auto text = [](const std::string&) -> Result<std::string> { return "no ELF file"; };
  EXPECT_EQ(symbolize_from_files(p, text, notes), 0u);
  EXPECT_EQ(notes.size(), 1u);
}

/// One address in the kernel's text, one in a module, and one in a file of that module.
profile::Profile profile_of_kernel(uint64_t text, const std::string& build_id) {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("samples"), p.strings.intern("count")}};
  for (const char* file : {"[kernel.kallsyms]_text", "[nf_tables]", "/lib/modules/6.1/nf-tables.ko.xz"})
    p.mappings.push_back({.id = p.mappings.size() + 1, .start = text, .file = p.strings.intern(file)});
  p.mappings[0].build_id = p.strings.intern(build_id);
  const uint64_t addresses[] = {text + 0x190, 0xffffffffc0001010, 0xffffffffc0001020};
  for (uint32_t i : {0, 1, 2}) p.locations.push_back({.id = i + 1, .address = addresses[i], .mapping = i});
  const uint32_t stack[] = {0, 1, 2};
  const int64_t value[] = {1};
  p.add_sample(stack, {}, value);
  return p;
}

Result<const RunningKernel*> running_kernel() {
  static const RunningKernel kKernel{*Kallsyms::parse("ffffffff81000000 T _text\n"
                                                      "ffffffff81000100 T schedule\n"
                                                      "ffffffff81000200 t idle\n"
                                                      "ffffffffc0001000 t lookup\t[nf_tables]\n"),
                                     "abc"};
  return &kKernel;
}

TEST(SymbolizeKernel, names_the_kernel_that_was_profiled_also_where_it_lay_elsewhere) {
  for (uint64_t text : {0xffffffff81000000, 0xffffffff9a000000}) {
    std::vector<std::string> notes;
    auto p = profile_of_kernel(text, "abc");
    bool moved = text != 0xffffffff81000000;
    EXPECT_EQ(symbolize_kernel(p, running_kernel, notes), moved ? 1u : 3u);
    EXPECT_EQ(p.text(p.functions[p.lines[p.locations[0].first_line].function].name), "schedule");
    EXPECT_EQ(p.locations[1].line_count, moved ? 0u : 1u) << "modules lie anywhere after a restart";
    EXPECT_EQ(p.locations[2].line_count, moved ? 0u : 1u);
    EXPECT_TRUE(notes.empty());
    EXPECT_TRUE(validate(p)) << validate(p).error().message;
  }
}

TEST(SymbolizeKernel, another_build_or_hidden_symbols_name_nothing_and_that_is_told) {
  std::vector<std::string> notes;
  auto p = profile_of_kernel(0xffffffff81000000, "def");
  EXPECT_EQ(symbolize_kernel(p, running_kernel, notes), 0u);
  EXPECT_EQ(symbolize_kernel(p, [] { return fail(ErrorCode::kPermissionDenied, "hidden"); }, notes), 0u);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0], "[kernel.kallsyms]: is another build now (abc, not def)");
  EXPECT_EQ(notes[1], "[kernel.kallsyms]: hidden");
}

TEST(SymbolizeKernel, is_not_read_for_programs) {
  std::vector<std::string> notes;
  auto p = profile_of_self("");
  EXPECT_EQ(symbolize_kernel(
                p,
                []() -> Result<const RunningKernel*> {
                  ADD_FAILURE();
                  return nullptr;
                },
                notes),
            0u);
}

}  // namespace
}  // namespace watchfire::converters
