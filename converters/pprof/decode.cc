#include "converters/pprof/decode.h"

#include <algorithm>

#include "converters/pprof/inflate.h"
#include "converters/pprof/inflate_pieces.h"
#include "converters/pprof/message_decoder.h"

namespace watchfire::converters {
namespace {

bool has_prefix_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c != prefix[i]) return false;
  }
  return true;
}

Error not_a_profile(std::string_view bytes, Error error) {
  std::string_view what = looks_like(bytes);
  if (what.empty() || error.code == ErrorCode::kResourceExhausted) return error;
  return Error(ErrorCode::kCorrupt, std::string(what) + ", not a profile");
}

}  // namespace

std::string_view looks_like(std::string_view bytes) {
  std::string_view text = bytes.substr(0, 512);
  if (text.empty()) return "empty body";
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size()));
  if (has_prefix_ignoring_case(text, "<!doctype html") || has_prefix_ignoring_case(text, "<html") ||
      has_prefix_ignoring_case(text, "<head")) {
    return "looks like HTML";
  }
  if (text.starts_with("<")) return "looks like XML or HTML";
  if (text.starts_with("{") || text.starts_with("[{") || text.starts_with("[\"")) return "looks like JSON";
  if (text.starts_with("\x7f"
                       "ELF"))
    return "looks like an ELF file";
  if (text.starts_with("PERFILE2") || text.starts_with("2ELIFREP")) return "looks like a perf.data file";
  if (std::string_view jfr("FLR\0", 4); text.starts_with(jfr)) return "looks like a JFR recording";
  if (text.starts_with("go 1.")) return "looks like a Go execution trace";
  if (text.starts_with("PK\x03\x04")) return "looks like a zip archive";
  if (text.starts_with("\x1f\x8b")) return "looks like gzip within gzip";
  bool printable = std::all_of(text.begin(), text.end(),
                               [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
  return printable ? "looks like text" : "";
}

Result<profile::Profile> decode_pprof_message(std::string_view message, const DecodeLimits& limits, DecodeStats* stats,
                                              Tables tables) {
  DecodeStats ignored;
  DecodeStats& count = stats != nullptr ? *stats : ignored;
  count = {};
  if (message.empty()) return fail(ErrorCode::kCorrupt, "empty body, not a profile");
  MessageDecoder decoder(limits, count, tables, message.size());
  size_t read = 0;
  Status s = decoder.read(message, true, read);
  auto p = s ? decoder.finish() : fail(std::move(s).error());
  if (!p) return fail(not_a_profile(message, std::move(p).error()));
  return p;
}

Result<profile::Profile> decode_pprof_in_pieces(std::string_view gzip, const DecodeLimits& limits, DecodeStats* stats) {
  DecodeStats ignored;
  DecodeStats& count = stats != nullptr ? *stats : ignored;
  count = {};
  if (gzip.size() > limits.compressed_bytes)
    return fail(limit_exceeded("compressed_bytes", limits.compressed_bytes, "compressed bytes"));
  size_t most = std::min<uint64_t>(stated_size(gzip), gzip.size() * limits.inflate_ratio);
  MessageDecoder decoder(limits, count, Tables::kDistinct, most);
  InflatePieces pieces(gzip, limits);
  size_t left = 0;
  for (bool is_last = false; !is_last;) {
    WF_ASSIGN(InflatePieces::Piece piece, pieces.next(left));
    size_t read = 0;
    WF_TRY(decoder.read(piece.bytes, piece.is_last, read));
    left = piece.bytes.size() - read;
    is_last = piece.is_last;
  }
  return decoder.finish();
}

Result<profile::Profile> decode_pprof(std::string_view bytes, const DecodeLimits& limits, DecodeStats* stats,
                                      Tables tables) {
  if (stats != nullptr) *stats = {};
  if (bytes.empty()) return fail(ErrorCode::kCorrupt, "empty body, not a profile");
  WF_ASSIGN(InflatedBytes inflated, inflate_profile(bytes, limits));
  return decode_pprof_message(inflated.bytes, limits, stats, tables);
}

}  // namespace watchfire::converters
