#include "converters/perfdata/symbols.h"

#include "base/bytes.h"
#include "converters/legacy/text_lines.h"
#include "converters/perfdata/container.h"

namespace watchfire::converters {
namespace {

constexpr size_t kMaxName = 4096;

/// Takes a hex number off the front of the text, with the blanks after it.
bool take_hex(std::string_view& text, uint64_t& value) {
  size_t end = text.find(' ');
  if (end == std::string_view::npos) return false;
  std::string_view digits = text.substr(0, end);
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  if (!parse_go_uint(digits, 16, value)) return false;
  text = trim_space(text.substr(end));
  return true;
}

}  // namespace

Status PerfSymbols::add(uint32_t pid, uint64_t start, uint64_t size, std::string_view name) {
  uint64_t end = start + size;
  if (size == 0 || end < start || name.empty()) {
    ++skipped_;
    return {};
  }
  Symbols& symbols = processes_[pid];
  // What it replaces goes; of code that begins before it, the part that is still there stays.
  auto it = symbols.lower_bound(start);
  if (it != symbols.begin() && std::prev(it)->second.end > start) std::prev(it)->second.end = start;
  while (it != symbols.end() && it->first < end) {
    it = symbols.erase(it);
    --size_;
  }
  if (size_ >= max_symbols_) {
    return fail(ErrorCode::kResourceExhausted,
                "more than " + std::to_string(max_symbols_) + " symbols in perf maps and jitdumps");
  }
  symbols.emplace(start, Symbol{end, std::string(name.substr(0, kMaxName))});
  ++size_;
  return {};
}

void PerfSymbols::move(uint32_t pid, uint64_t from, uint64_t to) {
  Symbols& symbols = processes_[pid];
  auto it = symbols.find(from);
  if (it == symbols.end()) {
    ++skipped_;
    return;
  }
  Symbol symbol = std::move(it->second);
  symbols.erase(it);
  --size_;
  (void)add(pid, to, symbol.end - from, symbol.name);  // as many as before
}

Status PerfSymbols::add_perf_map(uint32_t pid, std::string_view text) {
  LineReader lines(text);
  while (lines.next()) {
    std::string_view line = trim_space(lines.line());
    if (line.empty()) continue;
    uint64_t start = 0;
    uint64_t size = 0;
    if (!take_hex(line, start) || !take_hex(line, size)) {
      ++skipped_;
      continue;
    }
    WF_TRY(add(pid, start, size, line));
  }
  return lines.status();
}

Status PerfSymbols::add_jitdump(std::string_view bytes) {
  constexpr uint32_t kMagic = 0x4a695444;
  constexpr uint32_t kCodeLoad = 0;
  constexpr uint32_t kCodeMove = 1;
  constexpr uint32_t kRecordHeaderBytes = 16;
  ByteReader header(bytes);
  auto magic = header.read<uint32_t>();
  header.read<uint32_t>();
  auto header_bytes = header.read<uint32_t>();
  header.read<uint64_t>();
  auto pid = header.read<uint32_t>();
  if (!header.ok() || magic != kMagic || header_bytes > bytes.size()) {
    return fail(ErrorCode::kCorrupt, "not a jitdump file of this machine's byte order");
  }
  bytes.remove_prefix(header_bytes);
  while (bytes.size() >= kRecordHeaderBytes) {
    ByteReader r(bytes);
    auto id = r.read<uint32_t>();
    auto size = r.read<uint32_t>();
    if (size < kRecordHeaderBytes || size > bytes.size()) return {};
    std::string_view record = bytes.substr(kRecordHeaderBytes, size - kRecordHeaderBytes);
    bytes.remove_prefix(size);
    if (id != kCodeLoad && id != kCodeMove) continue;
    ByteReader fields(record);
    fields.read<uint64_t>();  // pid and tid, which are as the file's
    fields.read<uint64_t>();
    auto address = fields.read<uint64_t>();
    auto second = fields.read<uint64_t>();  // size of new code, or where moved code went
    fields.read<uint64_t>();
    if (!fields.ok()) return {};
    if (id == kCodeMove) {
      move(pid, address, second);
    } else {
      WF_TRY(add(pid, address, second, perf::until_nul(record.substr(fields.position()))));
    }
  }
  return {};
}

std::string_view PerfSymbols::find(uint32_t pid, uint64_t address) const {
  auto process = processes_.find(pid);
  if (process == processes_.end()) return {};
  auto it = process->second.upper_bound(address);
  if (it == process->second.begin()) return {};
  --it;
  return address < it->second.end ? std::string_view(it->second.name) : std::string_view{};
}

}  // namespace watchfire::converters
