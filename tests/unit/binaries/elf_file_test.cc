#include "binaries/elf_file.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/bytes.h"
#include "base/fd.h"
#include "binaries/build_id.h"
#include "binaries/go_pclntab.h"
#include "binaries/pprof_handlers.h"
#include "binaries/symbol_table.h"
#include "binaries/symbolizer.h"

namespace watchfire::binaries {
namespace {

/// A small ELF file, in memory: one code segment, a build id note, a symbol table with two functions.
class ElfImage {
 public:
  ElfImage() : bytes_(0x1000) {
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_phoff = kSegments;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    header.e_shoff = kSections;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 4;
    header.e_shstrndx = 3;
    put(0, header);
    put(kSegments, Elf64_Phdr{PT_LOAD, PF_R | PF_X, 0x800, 0x400800, 0, 0x100, 0x100, 0x1000});
    put(kSegments + sizeof(Elf64_Phdr), Elf64_Phdr{PT_NOTE, PF_R, kNotes, 0, 0, 12 + 4 + 8, 0, 4});
    put(kNotes, Elf64_Nhdr{4, 8, NT_GNU_BUILD_ID});
    std::memcpy(bytes_.data() + kNotes + 12, "GNU\0\1\2\3\4\5\6\7\x8", 12);
    put(kSections + 1 * sizeof(Elf64_Shdr),
        Elf64_Shdr{1, SHT_SYMTAB, 0, 0, kSymbols, 3 * sizeof(Elf64_Sym), 2, 0, 8, 24});
    put(kSections + 2 * sizeof(Elf64_Shdr), Elf64_Shdr{9, SHT_STRTAB, 0, 0, kStrings, 16, 0, 0, 1, 0});
    put(kSections + 3 * sizeof(Elf64_Shdr), Elf64_Shdr{17, SHT_STRTAB, 0, 0, kNames, 32, 0, 0, 1, 0});
    put(kSymbols + 24, Elf64_Sym{1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, 0x400810, 0x10});
    put(kSymbols + 48, Elf64_Sym{7, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, 0x400840, 0});
    std::memcpy(bytes_.data() + kStrings, "\0_Z1fv\0local\0", 13);
    std::memcpy(bytes_.data() + kNames, "\0.symtab\0.strtab\0.names\0", 24);
  }
  template <typename T>
  void put(size_t at, const T& value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  std::vector<std::byte>& bytes() { return bytes_; }

  static constexpr size_t kSegments = 64, kNotes = 0x200, kSymbols = 0x300, kStrings = 0x400, kNames = 0x480,
                          kSections = 0x500;

 private:
  std::vector<std::byte> bytes_;
};

TEST(ElfFile, gives_build_id_segments_and_functions) {
  ElfImage image;
  auto facts = inspect_file(image.bytes(), false);
  EXPECT_EQ(facts.is_elf, 1u);
  EXPECT_EQ(facts.build_id, "0102030405060708");
  EXPECT_EQ(facts.file_id, facts.build_id);
  ASSERT_EQ(facts.segments.size(), 1u);
  EXPECT_EQ(facts.segments[0].offset, 0x800u);
  EXPECT_EQ(facts.segments[0].address, 0x400800u);
  std::vector<uint64_t> addresses{0x400815, 0x400825, 0x400845, 0x1};
  auto symbols = symbolize(image.bytes(), addresses);
  ASSERT_TRUE(symbols);
  ASSERT_EQ((*symbols)[0].lines.size(), 1u);
  EXPECT_EQ((*symbols)[0].lines[0].name, "f()");
  EXPECT_EQ((*symbols)[0].lines[0].system_name, "_Z1fv");
  EXPECT_TRUE((*symbols)[1].lines.empty()) << "between two functions";
  EXPECT_EQ((*symbols)[2].lines[0].name, "local");
  EXPECT_TRUE((*symbols)[3].lines.empty());
}

TEST(ElfFile, without_build_id_is_known_by_its_content) {
  ElfImage image;
  image.bytes()[ElfImage::kNotes + 12] = std::byte{'X'};
  auto facts = inspect_file(image.bytes(), false);
  EXPECT_EQ(facts.build_id, "");
  EXPECT_EQ(facts.file_id.substr(0, 5), "hash:");
  EXPECT_EQ(facts.file_id.size(), 5u + 32);
  image.bytes().back() = std::byte{1};
  EXPECT_NE(inspect_file(image.bytes(), false).file_id, facts.file_id);
}

TEST(ElfFile, refuses_what_it_cannot_read) {
  EXPECT_EQ(inspect_file({}, true).is_elf, 0u);
  ElfImage image;
  image.bytes()[EI_CLASS] = std::byte{ELFCLASS32};
  auto refused = ElfFile::parse(image.bytes());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(ElfFile, a_duplicated_or_lying_section_is_as_good_as_none) {
  ElfImage image;
  image.put(ElfImage::kSections + 1 * sizeof(Elf64_Shdr),
            Elf64_Shdr{1, SHT_SYMTAB, 0, 0, 0xfffffffffffffff0, 0xffffffffffffff, 9999, 0, 8, 24});
  std::vector<uint64_t> addresses{0x400815};
  auto symbols = symbolize(image.bytes(), addresses);
  ASSERT_TRUE(symbols);
  EXPECT_TRUE((*symbols)[0].lines.empty());
}

TEST(ElfFile, no_damage_makes_it_read_outside) {
  ElfImage image;
  std::mt19937 random(3);
  std::vector<uint64_t> addresses{0x400815, 0x400845};
  for (int i = 0; i < 20'000; ++i) {
    auto copy = image.bytes();
    for (int k = 0; k < 4; ++k) copy[random() % 0x640] = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    copy.resize(random() % 4 == 0 ? random() % copy.size() : copy.size());
    copy.shrink_to_fit();
    inspect_file(copy, true);
    (void)symbolize(copy, addresses);
  }
}

TEST(ElfFile, reads_this_very_program) {
  auto self = read_file("/proc/self/exe", 1u << 30);
  ASSERT_TRUE(self);
  auto elf = ElfFile::parse(as_bytes(*self));
  ASSERT_TRUE(elf);
  bool found = false;
  elf->for_each_function([&](const ElfFile::Symbol& s) { found = found || s.name == "main"; });
  EXPECT_TRUE(found);
  EXPECT_FALSE(elf->code_segments().empty());
}

TEST(SymbolTable, prefers_names_with_size_and_finds_the_enclosing_one) {
  SymbolTable t;
  t.add({10, 0, "no_size", true});
  t.add({10, 20, "local", false});
  t.add({10, 20, "global_long", true});
  t.add({10, 20, "global", true});
  t.add({15, 2, "inner", true});
  t.sort();
  EXPECT_EQ(t.find(11)->name, "global");
  EXPECT_EQ(t.find(16)->name, "inner");
  EXPECT_EQ(t.find(20)->name, "global");
  EXPECT_EQ(t.find(30), nullptr);
  EXPECT_EQ(t.find(9), nullptr);
}

TEST(PprofHandlers, are_recognised_by_their_names) {
  EXPECT_TRUE(has_pprof_handlers(as_bytes("..net/http/pprof.Index..")));
  EXPECT_TRUE(has_pprof_handlers(as_bytes("GET /debug/pprof/profile")));
  EXPECT_FALSE(has_pprof_handlers(as_bytes("net/http.ListenAndServe runtime/pprof.StartCPUProfile")));
}

/// A function table of Go 1.20's layout with two functions, for a text that starts at 0x1000.
std::vector<std::byte> make_pclntab() {
  ByteWriter w;
  w.write(uint32_t{0xfffffff1});
  w.write(uint16_t{0});
  w.write(uint8_t{1});
  w.write(uint8_t{8});
  constexpr uint64_t kNames = 72, kUnits = 96, kFiles = 100, kValues = 108, kFunctions = 120;
  for (uint64_t v : {uint64_t{2}, uint64_t{1}, uint64_t{0x1000}, kNames, kUnits, kFiles, kValues, kFunctions})
    w.write(v);
  w.write_bytes(as_bytes(std::string_view("main.alpha\0main.beta\0\0\0", 24)));
  w.write(uint32_t{0});
  w.write_bytes(as_bytes(std::string_view("a.go\0\0\0\0", 8)));
  // Values at 1: file 0 over 0x100 bytes (delta +1, 0x100). At 5: line 7 over 0x10, then 9 over 0xf0.
  w.write_bytes(as_bytes(std::string_view("\0\2\x80\2\0\x10\x10\4\xf0\1\0\0", 12)));
  // Entries: (offset, where its description is) twice, then the end of all.
  for (uint32_t v : {0x0u, 20u, 0x100u, 64u, 0x200u}) w.write(v);
  for (uint32_t name : {0u, 11u}) {
    for (uint32_t v : {0u, name, 0u, 0u, 0u, 1u, 5u, 0u, 0u, 6u, 0u}) w.write(v);
  }
  return w.release();
}

ElfImage with_pclntab(const std::vector<std::byte>& table) {
  ElfImage image;
  std::memcpy(image.bytes().data() + 0x900, table.data(), table.size());
  image.put(ElfImage::kSections + 2 * sizeof(Elf64_Shdr),
            Elf64_Shdr{25, SHT_PROGBITS, 0, 0, 0x900, table.size(), 0, 0, 1, 0});
  std::memcpy(image.bytes().data() + ElfImage::kNames + 25, ".gopclntab\0", 11);
  image.put(ElfImage::kSections + 3 * sizeof(Elf64_Shdr),
            Elf64_Shdr{17, SHT_STRTAB, 0, 0, ElfImage::kNames, 40, 0, 0, 1, 0});
  return image;
}

TEST(GoPclntab, names_functions_files_and_lines) {
  auto image = with_pclntab(make_pclntab());
  auto elf = ElfFile::parse(image.bytes());
  ASSERT_TRUE(elf);
  auto table = GoPclntab::find(*elf);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->function_count(), 2u);
  auto alpha = table->lookup(0x1005);
  ASSERT_TRUE(alpha);
  EXPECT_EQ(alpha->name, "main.alpha");
  EXPECT_EQ(alpha->file, "a.go");
  EXPECT_EQ(alpha->line, 7u);
  EXPECT_EQ(alpha->start_line, 6u);
  EXPECT_EQ(table->lookup(0x1015)->line, 9u);
  EXPECT_EQ(table->lookup(0x1100)->name, "main.beta");
  EXPECT_FALSE(table->lookup(0x1200));
  EXPECT_FALSE(table->lookup(0xfff));
}

TEST(GoPclntab, no_damage_makes_it_read_outside) {
  auto table = make_pclntab();
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    auto copy = table;
    for (int k = 0; k < 3; ++k) copy[8 + random() % (copy.size() - 8)] = static_cast<std::byte>(random());
    auto image = with_pclntab(copy);
    auto elf = ElfFile::parse(image.bytes());
    ASSERT_TRUE(elf);
    if (auto found = GoPclntab::find(*elf))
      for (uint64_t address = 0xf00; address < 0x1300; address += 0x80) found->lookup(address);
  }
}

}  // namespace
}  // namespace watchfire::binaries
