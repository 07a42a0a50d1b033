#include "converters/pprof/message_decoder.h"

namespace watchfire::converters {

Status MessageDecoder::read(std::string_view bytes, bool is_last, size_t& read) {
  constexpr uint64_t kSample = 2;
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  const uint8_t* end = begin + bytes.size();
  const uint8_t* at = begin;
  stats_.decompressed_bytes = done_ + bytes.size();
  wire::MessageReader reader(begin, end);
  for (wire::Field f; reader.next(f); at = reader.position()) {
    if (f.number == kSample && f.type == wire::kBytes) {
      WF_TRY(samples_.read(f.begin, f.end, done_ + static_cast<size_t>(at - begin)));
    } else {
      WF_TRY(dictionary_.read(f));
    }
  }
  if (reader.failed() && (is_last || reader.is_broken()))
    return fail(ErrorCode::kCorrupt, "broken bytes in the profile (truncated?)");
  read = static_cast<size_t>(at - begin);
  done_ += read;
  return {};
}

Result<profile::Profile> MessageDecoder::finish() {
  WF_TRY(dictionary_.finish());
  WF_TRY(samples_.finish(dictionary_, tables_));
  return std::move(dictionary_.profile());
}

}  // namespace watchfire::converters
