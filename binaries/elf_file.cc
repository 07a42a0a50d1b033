#include "binaries/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "binaries/build_id.h"

namespace watchfire::binaries {
namespace {

constexpr uint64_t kMaxSegments = 512;
constexpr uint64_t kMaxSections = 65'536;

template <typename T>
std::optional<T> read_at(std::span<const std::byte> bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool is_code_symbol(const Elf64_Sym& sym) {
  uint8_t type = ELF64_ST_TYPE(sym.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE) && sym.st_shndx != SHN_UNDEF &&
         sym.st_value != 0;
}

/// Marks of compilers and assemblers that name no function: "$x", ".L12".
bool is_marker(std::string_view name) {
  return name.empty() || name[0] == '$' || name.starts_with(".L");
}

}  // namespace

std::string_view string_at(std::span<const std::byte> table, uint64_t offset) {
  if (offset >= table.size()) return {};
  auto rest = as_text(table.subspan(offset));
  size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

std::span<const std::byte> ElfFile::slice(uint64_t offset, uint64_t size) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) return {};
  return bytes_.subspan(offset, size);
}

Result<ElfFile> ElfFile::parse(std::span<const std::byte> bytes) {
  auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return fail(ErrorCode::kCorrupt, "no ELF file");
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return fail(ErrorCode::kUnsupported, "only 64-bit little-endian ELF files are read");
  ElfFile file(bytes);
  file.position_independent_ = header->e_type == ET_DYN;
  WF_TRY(file.read_segments(header->e_phoff, header->e_phentsize, header->e_phnum));
  uint64_t count = header->e_shnum;
  uint32_t names = header->e_shstrndx;
  // Numbers too large for the header are in the first section's.
  if (header->e_shoff != 0 && (count == 0 || names == SHN_XINDEX))
    if (auto first = read_at<Elf64_Shdr>(bytes, header->e_shoff)) {
      if (count == 0) count = first->sh_size;
      if (names == SHN_XINDEX) names = first->sh_link;
    }
  file.read_sections(header->e_shoff, header->e_shentsize, count, names);
  return file;
}

Status ElfFile::read_segments(uint64_t at, uint16_t size, uint16_t count) {
  if (count > kMaxSegments) return fail(ErrorCode::kCorrupt, "more than " + std::to_string(kMaxSegments) + " segments");
  if (count > 0 && size < sizeof(Elf64_Phdr)) return fail(ErrorCode::kCorrupt, "program headers that are too small");
  for (uint64_t i = 0; i < count; ++i) {
    if (at > bytes_.size()) return fail(ErrorCode::kCorrupt, "program headers outside the file");
    auto h = read_at<Elf64_Phdr>(bytes_, at + i * size);
    if (!h) return fail(ErrorCode::kCorrupt, "program headers outside the file");
    segments_.push_back({h->p_type, h->p_flags, h->p_offset, h->p_vaddr, h->p_filesz});
  }
  return {};
}

/// Sections are a convenience that many files lack: one that lies is as good as missing.
void ElfFile::read_sections(uint64_t at, uint16_t size, uint64_t count, uint32_t names) {
  if (at == 0 || at > bytes_.size() || size < sizeof(Elf64_Shdr)) return;
  count = std::min(count, std::min(kMaxSections, (bytes_.size() - at) / size));
  std::vector<Elf64_Shdr> headers;
  for (uint64_t i = 0; i < count; ++i)
    if (auto h = read_at<Elf64_Shdr>(bytes_, at + i * size)) headers.push_back(*h);
  std::span<const std::byte> table;
  if (names < headers.size()) table = slice(headers[names].sh_offset, headers[names].sh_size);
  for (const auto& h : headers) {
    bool has_bytes = h.sh_type != SHT_NOBITS && (h.sh_flags & SHF_COMPRESSED) == 0;
    sections_.push_back({.name = string_at(table, h.sh_name),
                         .address = h.sh_addr,
                         .type = h.sh_type,
                         .bytes = has_bytes ? slice(h.sh_offset, h.sh_size) : std::span<const std::byte>(),
                         .link = h.sh_link});
  }
}

const Section* ElfFile::find_section(std::string_view name) const {
  auto it = std::ranges::find(sections_, name, &Section::name);
  return it == sections_.end() ? nullptr : &*it;
}

std::vector<CodeSegment> ElfFile::code_segments() const {
  std::vector<CodeSegment> out;
  for (const auto& s : segments_)
    if (s.type == PT_LOAD && (s.flags & PF_X) != 0) out.push_back({s.offset, s.size, s.address});
  return out;
}

std::string ElfFile::build_id() const {
  for (const auto& s : segments_)
    if (s.type == PT_NOTE)
      if (auto id = find_build_id(slice(s.offset, s.size)); !id.empty()) return id;
  for (const auto& s : sections_)
    if (s.type == SHT_NOTE)
      if (auto id = find_build_id(s.bytes); !id.empty()) return id;
  return {};
}

void ElfFile::for_each_function(const std::function<void(const Symbol&)>& take) const {
  for (const auto& section : sections_) {
    if (section.type != SHT_SYMTAB && section.type != SHT_DYNSYM) continue;
    if (section.link >= sections_.size()) continue;
    auto names = sections_[section.link].bytes;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.bytes.size(); at += sizeof(Elf64_Sym)) {
      Elf64_Sym sym;
      std::memcpy(&sym, section.bytes.data() + at, sizeof sym);
      if (!is_code_symbol(sym)) continue;
      auto name = string_at(names, sym.st_name);
      if (is_marker(name)) continue;
      take({sym.st_value, sym.st_size, name, ELF64_ST_BIND(sym.st_info) != STB_LOCAL});
    }
  }
}

}  // namespace watchfire::binaries
