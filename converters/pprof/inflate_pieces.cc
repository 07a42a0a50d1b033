#include "converters/pprof/inflate_pieces.h"

#include <isa-l.h>

#include <algorithm>
#include <system_error>

#include "converters/pprof/inflate.h"

namespace watchfire::converters {
namespace {

/// One gzip stream of one or more members, by ISA-L.
class GzipStream {
 public:
  explicit GzipStream(std::string_view gzip) : ahead_(gzip.size()) {
    start_member();
    state_->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(gzip.data()));
    state_->avail_in = 0;
  }

  bool is_at_end() const { return is_at_end_; }

  /// Fills `to` as far as the stream goes; the number of bytes made.
  Result<size_t> read(char* to, size_t size) {
    state_->next_out = reinterpret_cast<uint8_t*>(to);
    state_->avail_out = static_cast<uint32_t>(size);
    while (state_->avail_out > 0 && !is_at_end_) {
      if (state_->avail_in == 0) feed();
      uint32_t in = state_->avail_in;
      uint32_t out = state_->avail_out;
      int code = isal_inflate(state_.get());
      if (code != ISAL_DECOMP_OK && code != ISAL_END_INPUT)
        return fail(ErrorCode::kCorrupt, "broken gzip data: code " + std::to_string(code));
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        is_at_end_ = state_->avail_in == 0 && ahead_ == 0;
        if (!is_at_end_) start_member();
      } else if (in == state_->avail_in && out == state_->avail_out) {
        return fail(ErrorCode::kCorrupt, "truncated gzip data");
      }
    }
    return size - state_->avail_out;
  }

 private:
  static constexpr size_t kMostAtOnce = 1 << 30;  // it counts in 32 bits

  void feed() {
    state_->avail_in = static_cast<uint32_t>(std::min(ahead_, kMostAtOnce));
    ahead_ -= state_->avail_in;
  }
  void start_member() {
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
  }

  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
  size_t ahead_;  ///< bytes of the input behind those it was given
  bool is_at_end_ = false;
};

}  // namespace

InflatePieces::InflatePieces(std::string_view gzip, const DecodeLimits& limits) : limits_(limits) {
  try {
    thread_ = std::thread([this, gzip] { run(gzip); });
  } catch (const std::system_error&) {
    // next() tells
  }
}

InflatePieces::~InflatePieces() {
  if (!thread_.joinable()) return;
  is_abandoned_ = true;
  free_.release();
  thread_.join();
}

void InflatePieces::run(std::string_view gzip) {
  GzipStream stream(gzip);
  uint64_t ratio_limit = std::max<uint64_t>(kRatioFreeBytes, gzip.size() * limits_.inflate_ratio);
  uint64_t made = 0;
  for (size_t n = 0;; ++n) {
    free_.acquire();
    if (is_abandoned_) return;
    Buffer& buffer = buffers_[n % kBuffers];
    auto size = stream.read(buffer.bytes.get() + kFrontBytes, kPieceBytes);
    if (size) {
      buffer.size = *size;
      buffer.is_last = stream.is_at_end();
      made += *size;
      if (made > limits_.decompressed_bytes) {
        buffer.status = fail(limit_exceeded("decompressed_bytes", limits_.decompressed_bytes, "bytes when inflated"));
      } else if (made > ratio_limit) {
        buffer.status = fail(limit_exceeded("inflate_ratio", limits_.inflate_ratio, "times its size when inflated"));
      }
    } else {
      buffer.status = fail(std::move(size).error());
    }
    bool is_done = buffer.is_last || !buffer.status;
    filled_.release();
    if (is_done) return;
  }
}

Result<InflatePieces::Piece> InflatePieces::next(size_t keep) {
  if (!thread_.joinable()) return fail(ErrorCode::kUnavailable, "no thread to inflate on");
  filled_.acquire();
  Buffer& buffer = buffers_[read_ % kBuffers];
  WF_TRY(buffer.status);
  std::string_view kept = last_.bytes.substr(last_.bytes.size() - keep);
  char* begin = buffer.bytes.get() + kFrontBytes;
  if (keep <= kFrontBytes) {
    std::ranges::copy(kept, begin - keep);
    last_ = {{begin - keep, keep + buffer.size}, buffer.is_last};
  } else {
    if (kept.data() >= long_piece_.data() && kept.data() < long_piece_.data() + long_piece_.size()) {
      long_piece_.erase(0, long_piece_.size() - keep);
    } else {
      long_piece_ = kept;
    }
    long_piece_.append(begin, buffer.size);
    last_ = {long_piece_, buffer.is_last};
  }
  if (read_++ > 0) free_.release();  // of the piece before, which is copied now
  return last_;
}

}  // namespace watchfire::converters
