#include "binaries/go_pclntab.h"

#include "base/bytes.h"

namespace watchfire::binaries {
namespace {

constexpr uint32_t kMagic120 = 0xfffffff1;
constexpr uint32_t kMagic118 = 0xfffffff0;
constexpr uint32_t kMagic116 = 0xfffffffa;
constexpr uint64_t kMaxFunctions = 10'000'000;

template <typename T>
std::optional<T> load(std::span<const std::byte> bytes, uint64_t at) {
  if (at > bytes.size() || bytes.size() - at < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

const Section* find_table(const ElfFile& file) {
  for (const char* name : {".gopclntab", ".data.rel.ro.gopclntab", ".gopclntab.rel.ro"})
    if (const Section* s = file.find_section(name); s != nullptr && !s->bytes.empty()) return s;
  return nullptr;
}

/// Where Go's own code starts when the table leaves it out (Go 1.26): runtime.text, or .text in a stripped file.
uint64_t find_text_start(const ElfFile& file) {
  uint64_t start = 0;
  file.for_each_function([&](const ElfFile::Symbol& s) {
    if (s.name == "runtime.text") start = s.address;
  });
  const Section* text = file.find_section(".text");
  return start != 0 || text == nullptr ? start : text->address;
}

}  // namespace

std::optional<GoPclntab> GoPclntab::find(const ElfFile& file) {
  const Section* section = find_table(file);
  if (section == nullptr) return std::nullopt;
  auto bytes = section->bytes;
  ByteReader r(bytes);
  auto magic = r.read<uint32_t>();
  r.read<uint16_t>();
  GoPclntab table;
  table.quantum_ = r.read<uint8_t>();
  if (r.read<uint8_t>() != 8) return std::nullopt;
  if (magic != kMagic120 && magic != kMagic118 && magic != kMagic116) return std::nullopt;
  table.offsets_ = magic != kMagic116;
  table.has_start_line_ = magic == kMagic120;
  table.count_ = r.read<uint64_t>();
  r.read<uint64_t>();  // number of files
  if (table.offsets_) table.text_start_ = r.read<uint64_t>();
  for (auto* part : {&table.names_, &table.units_, &table.files_, &table.values_, &table.functions_}) {
    auto offset = r.read<uint64_t>();
    if (!r.ok() || offset > bytes.size()) return std::nullopt;
    *part = bytes.subspan(offset);
  }
  uint64_t entry_bytes = table.offsets_ ? 8 : 16;
  if (table.count_ > kMaxFunctions || table.count_ > table.functions_.size() / entry_bytes) return std::nullopt;
  if (table.offsets_ && table.text_start_ == 0) table.text_start_ = find_text_start(file);
  return table;
}

uint64_t GoPclntab::entry_at(uint64_t index) const {
  if (offsets_) return text_start_ + load<uint32_t>(functions_, index * 8).value_or(0);
  return load<uint64_t>(functions_, index * 16).value_or(0);
}

/// The value that a table gives for an address: pairs of (zig-zag delta of the value, delta of the address).
int64_t GoPclntab::table_value(uint32_t table, uint64_t entry, uint64_t address) const {
  if (table == 0 || table >= values_.size()) return -1;
  ByteReader r(values_.subspan(table));
  int64_t value = -1;
  for (bool first = true; r.ok(); first = false) {
    auto delta = r.read_varint();
    if (delta == 0 && !first) return -1;
    value += static_cast<int64_t>(delta >> 1) ^ -static_cast<int64_t>(delta & 1);
    entry += r.read_varint() * quantum_;
    if (address < entry) return r.ok() ? value : -1;
  }
  return -1;
}

std::optional<GoPclntab::Function> GoPclntab::lookup(uint64_t address) const {
  uint64_t low = 0, high = count_;
  while (low < high) {
    uint64_t middle = (low + high) / 2;
    (entry_at(middle) <= address ? low : high) = entry_at(middle) <= address ? middle + 1 : middle;
  }
  // Behind the last function stands one more entry, the end of all.
  if (low == 0 || (low == count_ && address >= entry_at(count_))) return std::nullopt;
  uint64_t index = low - 1;
  uint64_t at = offsets_ ? load<uint32_t>(functions_, index * 8 + 4).value_or(0)
                         : load<uint64_t>(functions_, index * 16 + 8).value_or(0);
  if (at == 0 || at > functions_.size()) return std::nullopt;
  ByteReader r(functions_.subspan(at));
  if (offsets_)
    r.read<uint32_t>();
  else
    r.read<uint64_t>();
  auto name = r.read<int32_t>();
  r.read<uint32_t>();  // args
  r.read<uint32_t>();  // deferreturn
  r.read<uint32_t>();  // pcsp
  auto file_table = r.read<uint32_t>(), line_table = r.read<uint32_t>();
  r.read<uint32_t>();  // npcdata
  auto unit = r.read<uint32_t>();
  auto start_line = has_start_line_ ? r.read<int32_t>() : 0;
  if (!r.ok() || name < 0) return std::nullopt;
  Function f{.address = entry_at(index), .name = string_at(names_, static_cast<uint64_t>(name))};
  f.start_line = start_line > 0 ? static_cast<uint32_t>(start_line) : 0;
  int64_t file = table_value(file_table, f.address, address), line = table_value(line_table, f.address, address);
  if (line > 0 && line < INT32_MAX) f.line = static_cast<uint32_t>(line);
  if (file >= 0 && file < INT32_MAX) {
    auto offset = load<uint32_t>(units_, (uint64_t{unit} + static_cast<uint64_t>(file)) * 4);
    if (offset && *offset != UINT32_MAX) f.file = string_at(files_, *offset);
  }
  if (f.name.empty()) return std::nullopt;
  return f;
}

}  // namespace watchfire::binaries
