#include "binaries/symbolizer.h"

#include <algorithm>
#include <optional>

#include "binaries/build_id.h"
#include "binaries/demangle.h"
#include "binaries/elf_file.h"
#include "binaries/go_pclntab.h"
#include "binaries/pprof_handlers.h"
#include "binaries/symbol_table.h"

namespace watchfire::binaries {
namespace {

constexpr size_t kMaxSegments = 64;

std::string cut(std::string_view text) {
  return std::string(text.substr(0, kMaxSymbolBytes));
}

/// The section of machine code that holds an address; null when none does.
const Section* find_code_section(const ElfFile& elf, uint64_t address) {
  for (const auto& s : elf.sections())
    if (s.address != 0 && address >= s.address && address - s.address < s.bytes.size()) return &s;
  return nullptr;
}

/// A symbol without a size ends with its section at the latest.
uint64_t symbol_size(const ElfFile& elf, const ElfFile::Symbol& symbol) {
  const Section* section = symbol.size == 0 ? find_code_section(elf, symbol.address) : nullptr;
  return section == nullptr ? symbol.size : section->address + section->bytes.size() - symbol.address;
}

std::optional<SymbolLine> plt_line(const ElfFile& elf, uint64_t address) {
  const Section* section = find_code_section(elf, address);
  if (section == nullptr || !section->name.starts_with(".plt")) return std::nullopt;
  return SymbolLine{.name = "[plt]", .system_name = "[plt]"};
}

SymbolLine go_line(const GoPclntab::Function& f) {
  return {
      .name = cut(f.name), .system_name = cut(f.name), .file = cut(f.file), .line = f.line, .start_line = f.start_line};
}

}  // namespace

FileFacts inspect_file(std::span<const std::byte> file, bool want_pprof) {
  FileFacts facts;
  auto elf = ElfFile::parse(file);
  if (!elf) {
    facts.reason = elf.error().message;
    return facts;
  }
  facts.is_elf = 1;
  facts.build_id = elf->build_id();
  facts.file_id = facts.build_id.empty() ? content_id(file) : facts.build_id;
  for (const auto& s : elf->code_segments())
    if (facts.segments.size() < kMaxSegments) facts.segments.push_back({s.offset, s.size, s.address});
  facts.has_pprof_handlers = want_pprof && has_pprof_handlers(file) ? 1 : 0;
  return facts;
}

Result<std::vector<SymbolAnswer>> symbolize(std::span<const std::byte> file, std::span<const uint64_t> addresses) {
  WF_ASSIGN(ElfFile elf, ElfFile::parse(file));
  auto go = GoPclntab::find(elf);
  SymbolTable table;
  elf.for_each_function(
      [&](const ElfFile::Symbol& s) { table.add({s.address, symbol_size(elf, s), s.name, s.is_global}); });
  table.sort();
  std::vector<SymbolAnswer> answers;
  answers.reserve(addresses.size());
  for (uint64_t address : addresses) {
    SymbolAnswer answer{.address = address};
    auto go_function = go ? go->lookup(address) : std::nullopt;
    if (go_function)
      answer.lines.push_back(go_line(*go_function));
    else if (const auto* entry = table.find(address))
      answer.lines.push_back({.name = demangle(entry->name), .system_name = cut(entry->name)});
    else if (auto plt = plt_line(elf, address))
      answer.lines.push_back(*std::move(plt));
    answers.push_back(std::move(answer));
  }
  return answers;
}

}  // namespace watchfire::binaries
