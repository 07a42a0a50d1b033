#include "converters/decode_any.h"

#include <algorithm>
#include <optional>

#include "converters/folded/decode.h"
#include "converters/legacy/decode.h"
#include "converters/perfdata/decode.h"
#include "converters/perfscript/decode.h"
#include "converters/pprof/inflate.h"

namespace watchfire::converters {
namespace {

constexpr size_t kWorthAThread = 1 << 20;

/// Says by name what another tool wrote; "not a profile" is no help to whoever knows that it is one.
struct OtherFormat {
  std::string_view sign;  ///< stands in the first bytes
  std::string_view name;
  std::string_view hint;
};
constexpr OtherFormat kOtherJson[] = {
    {"\"callFrame\"", "a V8 heap profile (node --heap-prof)", ""},
    {"speedscope.app/", "a speedscope file", "take what it was made from"},
    {"\"traceEvents\"", "trace events (Chrome, Perfetto)", ""},
};
constexpr OtherFormat kV8Cpu = {"\"nodes\"", "a V8 CPU profile (node --cpu-prof)",
                                "record with `perf record -g -- node --perf-basic-prof ...`"};
constexpr OtherFormat kGoroutines = {"goroutine ", "a dump of goroutines", "take /debug/pprof/goroutine, or ?debug=1"};

Error other_format(const OtherFormat& f) {
  return Error(ErrorCode::kUnsupported, "looks like " + std::string(f.name) + ", which is not read")
      .hinted(std::string(f.hint));
}

/// "goroutine 12 [chan receive, 2 minutes]:", as a panic and debug=2 print it.
bool is_goroutine_line(std::string_view line) {
  if (!line.starts_with(kGoroutines.sign)) return false;
  line.remove_prefix(kGoroutines.sign.size());
  size_t digits = line.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && line.substr(digits).starts_with(" [") &&
         line.substr(0, line.find('\n')).ends_with("]:");
}

std::optional<Error> find_other_format(std::string_view bytes) {
  constexpr size_t kBeginning = 4096;
  std::string_view text = bytes.substr(0, kBeginning);
  for (size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size() - 1) + 1)
    if (is_goroutine_line(text.substr(at))) return other_format(kGoroutines);
  if (looks_like(bytes) != "looks like JSON") return {};
  if (text.find(kV8Cpu.sign) < 16) return other_format(kV8Cpu);
  for (const OtherFormat& f : kOtherJson)
    if (text.find(f.sign) != std::string_view::npos) return other_format(f);
  return {};
}

/// No markup, no other known format, and no control characters where the text begins.
bool may_be_stack_text(std::string_view bytes) {
  std::string_view what = looks_like(bytes);
  if (!what.empty() && what != "looks like text") return false;
  return std::ranges::all_of(bytes.substr(0, 4096), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

Result<profile::Profile> read_perf_data(std::string_view bytes, const DecodeLimits& limits,
                                        const DecodeAnyOptions& options) {
  PerfSymbols names;
  if (options.runtime_names) names = options.runtime_names(bytes);
  return decode_perf_data(bytes, {.symbols = &names}, limits);
}

}  // namespace

Result<profile::Profile> decode_any(std::string_view bytes, const DecodeLimits& limits,
                                    const DecodeAnyOptions& options) {
  if (bytes.empty()) return decode_pprof(bytes, limits);
  auto told = [&](FileFormat format, Result<profile::Profile> p) {
    if (options.format != nullptr) *options.format = format;
    return p;
  };
  if (options.use_threads && stated_size(bytes) >= kWorthAThread) {
    auto p = decode_pprof_in_pieces(bytes, limits);
    if (p || p.error().code == ErrorCode::kResourceExhausted) return told(FileFormat::kPprof, std::move(p));
    // Something else, or broken: the whole of it will tell.
  }
  WF_ASSIGN(InflatedBytes inflated, inflate_profile(bytes, limits));
  if (is_perf_data(inflated.bytes)) return told(FileFormat::kPerfData, read_perf_data(inflated.bytes, limits, options));
  auto p = decode_pprof_message(inflated.bytes, limits, nullptr, options.tables);
  if (p || p.error().code == ErrorCode::kResourceExhausted) return told(FileFormat::kPprof, std::move(p));
  auto legacy = decode_legacy(inflated.bytes, limits);
  if (legacy || legacy.error().code != ErrorCode::kUnsupported) return told(FileFormat::kLegacy, std::move(legacy));
  if (auto other = find_other_format(inflated.bytes)) return fail(*std::move(other));
  if (may_be_stack_text(inflated.bytes)) {
    for (auto format : {FileFormat::kPerfScript, FileFormat::kFolded}) {
      auto* decode = format == FileFormat::kPerfScript ? decode_perf_script : decode_folded;
      auto read = decode(inflated.bytes, limits);
      if (read || read.error().code != ErrorCode::kUnsupported) return told(format, std::move(read));
    }
  }
  return p;
}

}  // namespace watchfire::converters
