#include "converters/decode_any.h"

#include <algorithm>

#include "converters/folded/decode.h"
#include "converters/legacy/decode.h"
#include "converters/perfdata/decode.h"
#include "converters/perfscript/decode.h"
#include "converters/pprof/inflate.h"

namespace watchfire::converters {
namespace {

constexpr size_t kWorthAThread = 1 << 20;

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
