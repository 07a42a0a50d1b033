#include "base/symbols_message.h"

#include "base/bytes.h"

namespace watchfire {
namespace {

constexpr size_t kMaxId = 256;
constexpr size_t kMaxReason = 256;
constexpr uint32_t kMaxInlined = 64;
constexpr uint32_t kMaxSegments = 64;

std::unexpected<Error> corrupt(std::string_view what) {
  return fail(ErrorCode::kCorrupt, std::string(what) + " that does not follow its format");
}

bool at_end(const ByteReader& r) {
  return r.ok() && r.remaining() == 0;
}

SymbolAnswer read_symbol(ByteReader& r) {
  SymbolAnswer symbol;
  symbol.address = r.read<uint64_t>();
  auto lines = r.read<uint32_t>();
  if (lines > kMaxInlined) r.set_failed();
  for (; lines > 0 && r.ok(); --lines) {
    SymbolLine line;
    for (auto* text : {&line.name, &line.system_name, &line.file}) *text = std::string(r.read_string(kMaxSymbolBytes));
    line.line = r.read<uint32_t>();
    line.start_line = r.read<uint32_t>();
    symbol.lines.push_back(std::move(line));
  }
  return symbol;
}

}  // namespace

std::vector<std::byte> encode_wanted_symbols(const WantedSymbols& wanted) {
  ByteWriter w;
  w.write(wanted.request);
  w.write_string(wanted.file_id);
  w.write(static_cast<uint32_t>(wanted.addresses.size()));
  w.write_bytes(std::as_bytes(std::span(wanted.addresses)));
  return w.release();
}

Result<WantedSymbols> decode_wanted_symbols(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  WantedSymbols wanted;
  wanted.request = r.read<uint64_t>();
  wanted.file_id = std::string(r.read_string(kMaxId));
  auto n = r.read<uint32_t>();
  if (n > kMaxWantedAddresses || n != r.remaining() / sizeof(uint64_t)) r.set_failed();
  auto raw = r.take(n * sizeof(uint64_t));
  if (!at_end(r)) return corrupt("a request for symbols");
  wanted.addresses.resize(n);
  if (n > 0) std::memcpy(wanted.addresses.data(), raw.data(), raw.size());
  return wanted;
}

std::vector<std::byte> encode_symbols_answer(const SymbolsAnswer& answer) {
  ByteWriter w;
  w.write(answer.request);
  w.write(static_cast<uint32_t>(answer.outcome));
  w.write_string(answer.file_id);
  w.write_string(answer.reason);
  w.write(static_cast<uint32_t>(answer.symbols.size()));
  for (const auto& symbol : answer.symbols) {
    w.write(symbol.address);
    w.write(static_cast<uint32_t>(symbol.lines.size()));
    for (const auto& line : symbol.lines) {
      for (const auto* text : {&line.name, &line.system_name, &line.file}) w.write_string(*text);
      w.write(line.line);
      w.write(line.start_line);
    }
  }
  return w.release();
}

Result<SymbolsAnswer> decode_symbols_answer(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  SymbolsAnswer answer;
  answer.request = r.read<uint64_t>();
  auto outcome = r.read<uint32_t>();
  if (outcome > static_cast<uint32_t>(SymbolsOutcome::kUnavailable)) r.set_failed();
  answer.outcome = static_cast<SymbolsOutcome>(outcome);
  answer.file_id = std::string(r.read_string(kMaxId));
  answer.reason = std::string(r.read_string(kMaxReason));
  auto n = r.read<uint32_t>();
  if (n > kMaxWantedAddresses) r.set_failed();
  for (; n > 0 && r.ok(); --n) answer.symbols.push_back(read_symbol(r));
  if (!at_end(r)) return corrupt("an answer with symbols");
  return answer;
}

std::vector<std::byte> encode_inspect_request(const InspectRequest& request) {
  ByteWriter w;
  w.write(request);
  return w.release();
}

Result<InspectRequest> decode_inspect_request(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  auto request = r.read<InspectRequest>();
  if (!at_end(r)) return corrupt("a request about a file");
  return request;
}

std::vector<std::byte> encode_file_facts(const FileFacts& facts) {
  ByteWriter w;
  w.write(facts.request);
  w.write(facts.is_elf);
  w.write(facts.has_pprof_handlers);
  for (const auto* text : {&facts.file_id, &facts.build_id, &facts.reason}) w.write_string(*text);
  w.write(static_cast<uint32_t>(facts.segments.size()));
  w.write_bytes(std::as_bytes(std::span(facts.segments)));
  return w.release();
}

Result<FileFacts> decode_file_facts(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  FileFacts facts;
  facts.request = r.read<uint64_t>();
  facts.is_elf = r.read<uint32_t>();
  facts.has_pprof_handlers = r.read<uint32_t>();
  for (auto* text : {&facts.file_id, &facts.build_id}) *text = std::string(r.read_string(kMaxId));
  facts.reason = std::string(r.read_string(kMaxReason));
  auto n = r.read<uint32_t>();
  if (n > kMaxSegments) r.set_failed();
  for (; n > 0 && r.ok(); --n) facts.segments.push_back(r.read<FileSegment>());
  if (!at_end(r)) return corrupt("facts about a file");
  return facts;
}

}  // namespace watchfire
