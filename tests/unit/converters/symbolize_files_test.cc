#include "converters/symbolize_files.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/bytes.h"
#include "base/fd.h"
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

}  // namespace
}  // namespace watchfire::converters
