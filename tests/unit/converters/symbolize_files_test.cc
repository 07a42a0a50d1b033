#include "converters/symbolize_files.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

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

extern "C++" __attribute__((noinline)) int watchfire_mangled(int x) {
  return x - 1;
}

TEST(SymbolizeFiles, names_stay_mangled_for_whoever_makes_them_readable) {
  std::vector<std::string> notes;
  auto p = profile_of_self("");
  p.locations[0].address = reinterpret_cast<uint64_t>(&watchfire_mangled);
  ASSERT_EQ(symbolize_from_files(p, read_self, notes), 1u);
  EXPECT_EQ(p.text(p.functions[0].name), p.text(p.functions[0].system_name));
  EXPECT_NE(p.text(p.functions[0].name).find("17watchfire_mangled"), std::string_view::npos);
}

/// A program that is not moved, as `cc -static` makes it, with one function at 0x401000; or what `strip` left of it.
std::string small_program(bool with_symbols) {
  std::string file(0x1000, '\0');
  auto put = [&](size_t at, auto value) { std::memcpy(file.data() + at, &value, sizeof value); };
  auto put_text = [&](size_t at, std::string_view text) { std::memcpy(file.data() + at, text.data(), text.size()); };
  Elf64_Ehdr h{};
  std::memcpy(h.e_ident, ELFMAG, SELFMAG);
  h.e_ident[EI_CLASS] = ELFCLASS64, h.e_ident[EI_DATA] = ELFDATA2LSB, h.e_ident[EI_VERSION] = EV_CURRENT;
  h.e_type = ET_EXEC, h.e_machine = EM_X86_64, h.e_version = EV_CURRENT, h.e_ehsize = sizeof h;
  h.e_phoff = 0x40, h.e_phentsize = sizeof(Elf64_Phdr), h.e_phnum = 2;
  h.e_shoff = 0x400, h.e_shentsize = sizeof(Elf64_Shdr), h.e_shnum = with_symbols ? 4 : 2, h.e_shstrndx = 1;
  put(0, h);
  put(0x40, Elf64_Phdr{.p_type = PT_LOAD,
                       .p_flags = PF_R | PF_X,
                       .p_offset = 0x800,
                       .p_vaddr = 0x401000,
                       .p_paddr = 0x401000,
                       .p_filesz = 0x100,
                       .p_memsz = 0x100,
                       .p_align = 0x800});
  put(0x78, Elf64_Phdr{.p_type = PT_NOTE,
                       .p_flags = PF_R,
                       .p_offset = 0x200,
                       .p_vaddr = 0x400200,
                       .p_paddr = 0x400200,
                       .p_filesz = 20,
                       .p_memsz = 20,
                       .p_align = 4});
  for (size_t i = 0; uint32_t word : {4u, 4u, 3u}) put(0x200 + 4 * i++, word);
  put_text(0x20c, std::string_view("GNU\0\xab\xcd\xef\x01", 8));
  put_text(0x300, std::string_view("\0.shstrtab\0.symtab\0.strtab\0answer\0", 34));
  auto section = [&](size_t i, Elf64_Shdr s) { put(0x400 + i * sizeof s, s); };
  section(1, {.sh_name = 1, .sh_type = SHT_STRTAB, .sh_offset = 0x300, .sh_size = 34});
  if (!with_symbols) return file;
  section(2, {.sh_name = 11,
              .sh_type = SHT_SYMTAB,
              .sh_offset = 0x600,
              .sh_size = 48,
              .sh_link = 3,
              .sh_info = 1,
              .sh_entsize = 24});
  section(3, {.sh_name = 19, .sh_type = SHT_STRTAB, .sh_offset = 0x300, .sh_size = 34});
  put(0x618, Elf64_Sym{.st_name = 27,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                       .st_shndx = 1,
                       .st_value = 0x401000,
                       .st_size = 0x10});
  return file;
}

/// One address of /the/program.
profile::Profile profile_at(uint64_t address, const profile::Mapping& where) {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("samples"), p.strings.intern("count")}};
  p.mappings.push_back(where);
  p.mappings[0].file = p.strings.intern("/the/program");
  p.locations.push_back({.id = 1, .address = address, .mapping = 0});
  const uint32_t stack[] = {0};
  const int64_t value[] = {1};
  p.add_sample(stack, {}, value);
  return p;
}

TEST(SymbolizeFiles, a_mapping_of_everything_holds_addresses_of_the_file) {
  auto read = [](const std::string&) -> Result<std::string> { return small_program(true); };
  for (uint64_t address : {0x401008, 0x401010}) {
    std::vector<std::string> notes;
    auto p = profile_at(address, {.id = 1, .limit = ~uint64_t{0}});
    EXPECT_EQ(symbolize_from_files(p, read, notes), address == 0x401008 ? 1u : 0u);
    EXPECT_TRUE(validate(p));
  }
}

TEST(SymbolizeFiles, what_a_stripped_file_does_not_name_the_debug_file_of_the_same_build_does) {
  for (bool same_build : {true, false}) {
    std::vector<std::string> asked, notes;
    auto read = [&](const std::string& path) -> Result<std::string> {
      asked.push_back(path);
      std::string file = small_program(path != "/the/program");
      if (!same_build && path != "/the/program") file[0x210] = 1;
      return file;
    };
    auto p = profile_at(0x7001, {.id = 1, .start = 0x7000, .limit = 0x8000, .file_offset = 0x800});
    ASSERT_EQ(symbolize_from_files(p, read, notes), same_build ? 1u : 0u);
    EXPECT_EQ(asked, (std::vector<std::string>{"/the/program", "/usr/lib/debug/.build-id/ab/cdef01.debug"}));
    if (same_build) EXPECT_EQ(p.text(p.functions[0].name), "answer");
  }
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
