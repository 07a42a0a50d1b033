#include "store/embedded/block_codec.h"

#include <zstd.h>

#include <algorithm>
#include <numeric>

#include "base/bytes.h"

namespace watchfire::store {
namespace {

using profile::Label;
using profile::Line;
using profile::Location;
using profile::Mapping;
using profile::Profile;
using profile::StringId;

constexpr std::string_view kMagic = "WFBLOCK";
constexpr std::string_view kEnd = "WFEND";
constexpr size_t kChunkEntryBytes = 20;
constexpr uint32_t kMaxRawChunk = 256u << 20;
constexpr int kZstdLevel = 3;
constexpr uint64_t kMaxDepth = 16'384;

std::string compress(std::string_view raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  size_t n = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), kZstdLevel);
  out.resize(ZSTD_isError(n) ? 0 : n);
  return out;
}

Error corrupt(std::string_view what) {
  return Error(ErrorCode::kCorrupt, "block: " + std::string(what));
}

// Copies a profile's dictionaries into the block's, giving the new index of each old element.
struct Remapping {
  std::vector<StringId> strings;
  std::vector<uint32_t> mappings;
  std::vector<uint32_t> functions;
  std::vector<uint32_t> locations;
};

uint64_t mapping_flags(const Mapping& m) {
  return static_cast<uint64_t>(m.has_functions) | static_cast<uint64_t>(m.has_filenames) << 1 |
         static_cast<uint64_t>(m.has_line_numbers) << 2 | static_cast<uint64_t>(m.has_inline_frames) << 3;
}

void set_mapping_flags(Mapping& m, uint64_t flags) {
  m.has_functions = flags & 1;
  m.has_filenames = flags & 2;
  m.has_line_numbers = flags & 4;
  m.has_inline_frames = flags & 8;
}

}  // namespace

size_t BlockWriter::memory_bytes() const {
  size_t rows = 0;
  for (const BlockItem& item : items_) rows += item.stacks.size() * (8 + item.values.size() * 8);
  return dictionary_.memory_bytes() + rows;
}

uint32_t BlockWriter::add(const Profile& p) {
  Remapping to;
  Profile& d = dictionary_;
  to.strings.reserve(p.strings.size());
  for (StringId s = 0; s < p.strings.size(); ++s) to.strings.push_back(d.strings.intern(p.text(s)));
  auto str = [&](StringId s) { return to.strings[s]; };

  for (const Mapping& m : p.mappings) {
    uint64_t key[] = {m.start,         m.limit,         m.file_offset,
                      str(m.file),     str(m.build_id), str(m.kernel_relocation_symbol),
                      mapping_flags(m)};
    uint32_t index = mapping_keys_.intern(key) - 1;
    if (index == d.mappings.size()) {
      Mapping copy = m;
      copy.id = index + 1;
      copy.file = str(m.file);
      copy.build_id = str(m.build_id);
      copy.kernel_relocation_symbol = str(m.kernel_relocation_symbol);
      d.mappings.push_back(copy);
    }
    to.mappings.push_back(index);
  }
  for (const profile::Function& f : p.functions) {
    uint64_t key[] = {str(f.name), str(f.system_name), str(f.file), static_cast<uint64_t>(f.start_line)};
    uint32_t index = function_keys_.intern(key) - 1;
    if (index == d.functions.size())
      d.functions.push_back({index + 1u, str(f.name), str(f.system_name), str(f.file), f.start_line});
    to.functions.push_back(index);
  }
  std::vector<uint64_t> key;
  for (const Location& l : p.locations) {
    uint32_t mapping = l.mapping == profile::kNone ? profile::kNone : to.mappings[l.mapping];
    key = {l.address, mapping, l.is_folded};
    for (const Line& line : p.lines_of(l))
      key.insert(key.end(),
                 {to.functions[line.function], static_cast<uint64_t>(line.line), static_cast<uint64_t>(line.column)});
    uint32_t index = location_keys_.intern(key) - 1;
    if (index == d.locations.size()) {
      d.locations.push_back(
          {index + 1u, l.address, mapping, static_cast<uint32_t>(d.lines.size()), l.line_count, l.is_folded});
      for (const Line& line : p.lines_of(l)) d.lines.push_back({to.functions[line.function], line.line, line.column});
    }
    to.locations.push_back(index);
  }

  std::vector<uint32_t> stacks(p.stacks.size());
  std::vector<uint32_t> stack;
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    stack.clear();
    for (uint32_t l : p.stacks[s]) stack.push_back(to.locations[l]);
    stacks[s] = d.stacks.intern(stack);
  }
  std::vector<uint32_t> label_sets(p.label_sets.size());
  std::vector<Label> labels;
  for (uint32_t s = 0; s < p.label_sets.size(); ++s) {
    labels.clear();
    for (const Label& l : p.label_sets[s]) labels.push_back({l.num, str(l.key), str(l.str), str(l.unit), l.is_number});
    label_sets[s] = d.label_sets.intern(labels);
  }

  BlockItem item;
  for (uint32_t s : p.sample_stacks) item.stacks.push_back(stacks[s]);
  for (uint32_t s : p.sample_label_sets) item.label_sets.push_back(label_sets[s]);
  item.values = p.values;
  for (const auto& t : p.sample_types) item.types.push_back({str(t.type), str(t.unit)});
  item.period_type = {str(p.period_type.type), str(p.period_type.unit)};
  item.period = p.period;
  item.time_ns = p.time_ns;
  item.duration_ns = p.duration_ns;
  item.default_type = str(p.default_sample_type);
  items_.push_back(std::move(item));
  return item_count() - 1;
}

std::string BlockWriter::encode_dictionary(std::vector<uint32_t>& new_stack_ids) const {
  const Profile& d = dictionary_;
  ByteWriter w;
  w.write_varint(d.strings.size());
  for (StringId s = 1; s < d.strings.size(); ++s) w.write_varint(d.text(s).size());
  for (StringId s = 1; s < d.strings.size(); ++s) w.write_bytes(as_bytes(d.text(s)));
  w.write_varint(d.mappings.size());
  for (const Mapping& m : d.mappings) {
    w.write_varint(m.start);
    w.write_varint(m.limit);
    w.write_varint(m.file_offset);
    w.write_varint(m.file);
    w.write_varint(m.build_id);
    w.write_varint(m.kernel_relocation_symbol);
    w.write_varint(mapping_flags(m));
  }
  w.write_varint(d.functions.size());
  for (const auto& f : d.functions) {
    w.write_varint(f.name);
    w.write_varint(f.system_name);
    w.write_varint(f.file);
    w.write_signed_varint(f.start_line);
  }
  w.write_varint(d.locations.size());
  uint64_t last_address = 0;
  for (const Location& l : d.locations) {
    w.write_signed_varint(static_cast<int64_t>(l.address - last_address));
    last_address = l.address;
    w.write_varint(static_cast<uint64_t>(l.mapping) + 1 & 0xffffffff);
    w.write_varint(static_cast<uint64_t>(l.line_count) << 1 | static_cast<uint64_t>(l.is_folded));
    for (const Line& line : d.lines_of(l)) {
      w.write_varint(line.function);
      w.write_signed_varint(line.line);
      w.write_signed_varint(line.column);
    }
  }

  std::vector<uint32_t> order(d.stacks.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    auto x = d.stacks[a], y = d.stacks[b];
    return std::lexicographical_compare(x.rbegin(), x.rend(), y.rbegin(), y.rend());
  });
  new_stack_ids.resize(order.size());
  w.write_varint(order.size());
  std::span<const uint32_t> last;
  for (uint32_t i = 0; i < order.size(); ++i) {
    new_stack_ids[order[i]] = i;
    auto stack = d.stacks[order[i]];
    size_t shared = 0, most = std::min(last.size(), stack.size());
    while (shared < most && last[last.size() - 1 - shared] == stack[stack.size() - 1 - shared]) ++shared;
    w.write_varint(shared);
    w.write_varint(stack.size() - shared);
    for (size_t k = shared; k < stack.size(); ++k) w.write_varint(stack[stack.size() - 1 - k]);
    last = stack;
  }

  w.write_varint(d.label_sets.size());
  for (uint32_t s = 0; s < d.label_sets.size(); ++s) {
    w.write_varint(d.label_sets[s].size());
    for (const Label& l : d.label_sets[s]) {
      w.write_varint(static_cast<uint64_t>(l.key) << 1 | l.is_number);
      if (l.is_number) {
        w.write_signed_varint(l.num);
        w.write_varint(l.unit);
      } else {
        w.write_varint(l.str);
      }
    }
  }
  return std::string(w.text());
}

std::string BlockWriter::encode_item(const BlockItem& item, const std::vector<uint32_t>& new_stack_ids) {
  std::vector<uint32_t> order(item.stacks.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(new_stack_ids[item.stacks[a]], item.label_sets[a]) <
           std::pair(new_stack_ids[item.stacks[b]], item.label_sets[b]);
  });
  ByteWriter w;
  w.write_varint(item.types.size());
  for (const auto& t : item.types) {
    w.write_varint(t.type);
    w.write_varint(t.unit);
  }
  w.write_varint(item.period_type.type);
  w.write_varint(item.period_type.unit);
  w.write_signed_varint(item.period);
  w.write_signed_varint(item.time_ns);
  w.write_signed_varint(item.duration_ns);
  w.write_varint(item.default_type);
  w.write_varint(order.size());
  uint32_t last = 0;
  for (uint32_t row : order) {
    uint32_t stack = new_stack_ids[item.stacks[row]];
    w.write_varint(stack - last);
    last = stack;
  }
  for (uint32_t row : order) w.write_varint(item.label_sets[row]);
  for (const auto& column : item.values)
    for (uint32_t row : order) w.write_signed_varint(column[row]);
  return std::string(w.text());
}

std::string BlockWriter::finish() {
  std::string out(kMagic);
  out += static_cast<char>(kBlockVersion);
  ByteWriter footer;
  auto put = [&](std::string_view raw) {
    std::string packed = compress(raw);
    footer.write(static_cast<uint64_t>(out.size()));
    footer.write(static_cast<uint32_t>(packed.size()));
    footer.write(static_cast<uint32_t>(raw.size()));
    footer.write(crc32c(as_bytes(packed)));
    out += packed;
  };
  std::vector<uint32_t> new_stack_ids;
  put(encode_dictionary(new_stack_ids));
  for (const BlockItem& item : items_) put(encode_item(item, new_stack_ids));
  ByteWriter tail;
  tail.write(static_cast<uint32_t>(footer.size()));
  tail.write(crc32c(footer.bytes()));
  out += footer.text();
  out += tail.text();
  out += kEnd;
  return out;
}

Result<BlockReader> BlockReader::open(std::string_view bytes) {
  constexpr size_t kTail = 8 + kEnd.size();
  if (bytes.size() < kMagic.size() + 1 + kTail || !bytes.starts_with(kMagic)) return fail(corrupt("no block header"));
  if (static_cast<uint8_t>(bytes[kMagic.size()]) > kBlockVersion)
    return fail(Error(ErrorCode::kUnsupported, "block: written by a newer version of Watchfire"));
  if (!bytes.ends_with(kEnd)) return fail(corrupt("its end is missing"));
  ByteReader tail(bytes.substr(bytes.size() - kTail));
  auto footer_bytes = tail.read<uint32_t>();
  auto footer_crc = tail.read<uint32_t>();
  if (footer_bytes > bytes.size() - kTail || footer_bytes % kChunkEntryBytes != 0 || footer_bytes == 0)
    return fail(corrupt("footer length"));
  std::string_view footer = bytes.substr(bytes.size() - kTail - footer_bytes, footer_bytes);
  if (crc32c(as_bytes(footer)) != footer_crc) return fail(corrupt("checksum of the footer"));

  BlockReader reader;
  reader.bytes_ = bytes;
  ByteReader r(footer);
  for (size_t i = 0; i < footer_bytes / kChunkEntryBytes; ++i) {
    Chunk c;
    c.offset = r.read<uint64_t>();
    c.bytes = r.read<uint32_t>();
    c.raw_bytes = r.read<uint32_t>();
    c.crc = r.read<uint32_t>();
    if (c.offset > bytes.size() || c.bytes > bytes.size() - c.offset || c.raw_bytes > kMaxRawChunk)
      return fail(corrupt("a chunk outside the block"));
    reader.chunks_.push_back(c);
  }
  WF_ASSIGN(std::string raw, reader.chunk(0));
  WF_TRY(reader.decode_dictionary(raw));
  return reader;
}

Result<std::string> BlockReader::chunk(uint32_t index) const {
  const Chunk& c = chunks_[index];
  std::string_view packed = bytes_.substr(c.offset, c.bytes);
  if (crc32c(as_bytes(packed)) != c.crc) return fail(corrupt("checksum of chunk " + std::to_string(index)));
  std::string raw(c.raw_bytes, '\0');
  size_t n = ZSTD_decompress(raw.data(), raw.size(), packed.data(), packed.size());
  if (ZSTD_isError(n) || n != raw.size()) return fail(corrupt("compression of chunk " + std::to_string(index)));
  return raw;
}

Status BlockReader::decode_dictionary(std::string_view raw) {
  ByteReader r(raw);
  Profile& d = dictionary_;
  // A count can't be larger than the bytes left, since each element takes one at least.
  auto count = [&]() -> size_t {
    uint64_t n = r.read_varint();
    if (n > r.remaining() + 1) r.set_failed();
    return r.ok() ? n : 0;
  };
  auto index = [&](size_t size) -> uint32_t {
    uint64_t i = r.read_varint();
    if (i >= size) r.set_failed();
    return r.ok() ? static_cast<uint32_t>(i) : 0;
  };

  size_t strings = count();
  std::vector<size_t> lengths(strings > 0 ? strings - 1 : 0);
  for (size_t& n : lengths) n = r.read_varint();
  for (size_t n : lengths) d.strings.intern(as_text(r.take(n)));
  if (!r.ok() || d.strings.size() != std::max<size_t>(strings, 1)) return fail(corrupt("string table"));

  size_t mappings = count();
  for (size_t i = 0; i < mappings && r.ok(); ++i) {
    Mapping m;
    m.id = i + 1;
    m.start = r.read_varint();
    m.limit = r.read_varint();
    m.file_offset = r.read_varint();
    m.file = index(strings);
    m.build_id = index(strings);
    m.kernel_relocation_symbol = index(strings);
    set_mapping_flags(m, r.read_varint());
    d.mappings.push_back(m);
  }
  size_t functions = count();
  for (size_t i = 0; i < functions && r.ok(); ++i) {
    uint32_t name = index(strings), system_name = index(strings), file = index(strings);
    d.functions.push_back({i + 1, name, system_name, file, r.read_signed_varint()});
  }
  size_t locations = count();
  uint64_t address = 0;
  for (size_t i = 0; i < locations && r.ok(); ++i) {
    address += static_cast<uint64_t>(r.read_signed_varint());
    uint32_t mapping = index(mappings + 1) - 1;
    uint64_t packed = r.read_varint();
    uint64_t line_count = packed >> 1;
    if (line_count > r.remaining()) return fail(corrupt("lines of a location"));
    d.locations.push_back({i + 1, address, mapping, static_cast<uint32_t>(d.lines.size()),
                           static_cast<uint32_t>(line_count), (packed & 1) != 0});
    for (uint64_t k = 0; k < line_count && r.ok(); ++k) {
      uint32_t function = index(functions);
      int64_t line = r.read_signed_varint();
      d.lines.push_back({function, line, r.read_signed_varint()});
    }
  }

  size_t stacks = count();
  std::vector<uint32_t> root_first, leaf_first;
  for (size_t i = 0; i < stacks && r.ok(); ++i) {
    uint64_t shared = r.read_varint(), fresh = r.read_varint();
    if (shared > root_first.size() || fresh > r.remaining() || shared + fresh > kMaxDepth)
      return fail(corrupt("stack table"));
    root_first.resize(shared);
    for (uint64_t k = 0; k < fresh; ++k) root_first.push_back(index(locations));
    leaf_first.assign(root_first.rbegin(), root_first.rend());
    if (d.stacks.intern(leaf_first) != i) return fail(corrupt("a stack that is there twice"));
  }
  size_t label_sets = count();
  std::vector<Label> labels;
  for (size_t i = 0; i < label_sets && r.ok(); ++i) {
    labels.clear();
    size_t n = count();
    for (size_t k = 0; k < n && r.ok(); ++k) {
      Label l;
      uint64_t key = r.read_varint();
      l.is_number = key & 1;
      l.key = static_cast<StringId>(key >> 1);
      if (l.key >= strings) return fail(corrupt("label key"));
      if (l.is_number) {
        l.num = r.read_signed_varint();
        l.unit = index(strings);
      } else {
        l.str = index(strings);
      }
      labels.push_back(l);
    }
    if (r.ok() && d.label_sets.intern(labels) != i) return fail(corrupt("a label set that is there twice"));
  }
  if (!r.ok()) return fail(corrupt("dictionary"));
  return {};
}

Result<BlockItem> BlockReader::samples(uint32_t item) const {
  if (item >= item_count()) return fail(corrupt("no item " + std::to_string(item)));
  WF_ASSIGN(std::string raw, chunk(item + 1));
  ByteReader r(raw);
  BlockItem s;
  auto string = [&]() -> StringId {
    uint64_t id = r.read_varint();
    if (id >= dictionary_.strings.size()) r.set_failed();
    return r.ok() ? static_cast<StringId>(id) : 0;
  };
  uint64_t types = r.read_varint();
  if (types > 64) return fail(corrupt("number of sample types"));
  for (uint64_t t = 0; t < types; ++t) {
    StringId type = string();
    s.types.push_back({type, string()});
  }
  s.period_type.type = string();
  s.period_type.unit = string();
  s.period = r.read_signed_varint();
  s.time_ns = r.read_signed_varint();
  s.duration_ns = r.read_signed_varint();
  s.default_type = string();
  uint64_t rows = r.read_varint();
  if (!r.ok() || rows > r.remaining() || (rows > 0 && types == 0)) return fail(corrupt("samples of an item"));
  uint64_t stack = 0;
  for (uint64_t i = 0; i < rows && r.ok(); ++i) {
    stack += r.read_varint();
    if (stack >= dictionary_.stacks.size()) return fail(corrupt("a sample's stack"));
    s.stacks.push_back(static_cast<uint32_t>(stack));
  }
  for (uint64_t i = 0; i < rows && r.ok(); ++i) {
    uint64_t labels = r.read_varint();
    if (labels >= dictionary_.label_sets.size()) return fail(corrupt("a sample's labels"));
    s.label_sets.push_back(static_cast<uint32_t>(labels));
  }
  s.values.resize(types);
  for (auto& column : s.values)
    for (uint64_t i = 0; i < rows && r.ok(); ++i) column.push_back(r.read_signed_varint());
  if (!r.ok()) return fail(corrupt("samples of an item"));
  return s;
}

Result<Profile> BlockReader::profile(uint32_t item) const {
  WF_ASSIGN(BlockItem s, samples(item));
  Profile p = dictionary_;
  p.sample_types = std::move(s.types);
  p.sample_stacks = std::move(s.stacks);
  p.sample_label_sets = std::move(s.label_sets);
  p.values = std::move(s.values);
  p.period_type = s.period_type;
  p.period = s.period;
  p.time_ns = s.time_ns;
  p.duration_ns = s.duration_ns;
  p.default_sample_type = s.default_type;
  return p;
}

}  // namespace watchfire::store
