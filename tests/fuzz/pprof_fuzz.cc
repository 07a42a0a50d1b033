// Profiles of every format: what is accepted is valid, within the limits, and the same after it was written and read.

#include "converters/decode_any.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/encode.h"
#include "converters/pprof/message_decoder.h"
#include "profile/merge.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/limits.h"

using namespace watchfire;
using fuzz::check;

namespace {

// Sums wrap around: the values are anything.
std::vector<uint64_t> totals(const profile::Profile& p) {
  std::vector<uint64_t> out;
  for (const auto& column : p.values) {
    uint64_t sum = 0;
    for (int64_t v : column) sum += static_cast<uint64_t>(v);
    out.push_back(sum);
  }
  return out;
}

/// The message of a profile.proto that came in two pieces is the same profile, or as broken, as in one; and merging its
/// tables as they stand on the wire is merging distinct ones.
void check_other_ways(std::string_view message) {
  const converters::DecodeLimits& limits = fuzz::tight_limits();
  auto whole = converters::decode_pprof_message(message, limits);
  converters::DecodeStats stats;
  converters::MessageDecoder decoder(limits, stats, converters::Tables::kDistinct, 0);
  size_t middle = message.empty() ? 0 : static_cast<uint8_t>(message.back()) * message.size() / 256;
  size_t read = 0;
  size_t rest = 0;
  bool good = !message.empty() && decoder.read(message.substr(0, middle), false, read) &&
              decoder.read(message.substr(read), true, rest);
  auto pieces = good ? decoder.finish() : fail(ErrorCode::kCorrupt, "");
  check(pieces.has_value() == whole.has_value());
  if (!whole) return;
  check(converters::encode_pprof(*pieces) == converters::encode_pprof(*whole));

  auto on_wire = converters::decode_pprof_message(message, limits, nullptr, converters::Tables::kAsOnWire);
  check(on_wire.has_value());
  std::string merged[2];
  for (int way : {0, 1}) {
    profile::Merger merger;
    check(merger.add(way == 0 ? *whole : *on_wire) && merger.add(way == 0 ? *whole : *on_wire));
    merged[way] = converters::encode_pprof(merger.finish());
  }
  check(merged[0] == merged[1]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.starts_with("\x1f\x8b")) {
    if (auto p = converters::decode_pprof_in_pieces(bytes, fuzz::tight_limits())) fuzz::check_within_limits(*p);
  } else {
    check_other_ways(bytes);
  }
  auto p = converters::decode_any(bytes, fuzz::tight_limits());
  if (!p) return 0;
  fuzz::check_within_limits(*p);
  std::string written = converters::encode_pprof(*p);
  auto again = converters::decode_pprof(written);
  check(again.has_value());
  check(again->sample_count() == p->sample_count() && totals(*again) == totals(*p));
  check(again->locations.size() == p->locations.size() && again->functions.size() == p->functions.size());
  // A label whose number is 0 is written without it, and read as none: the second writing is the lasting one.
  std::string lasting = converters::encode_pprof(*again);
  auto third = converters::decode_pprof(lasting);
  check(third && converters::encode_pprof(*third) == lasting);
  return 0;
}
