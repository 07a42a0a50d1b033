#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "converters/pprof/limits.h"

namespace watchfire::converters {

/// Inflates gzip (also several members) piece by piece on a thread of its own, a few pieces ahead of who reads them:
/// memory is that of the pieces, whatever the output's size. The input must outlive it; one thread reads.
class InflatePieces {
 public:
  InflatePieces(std::string_view gzip, const DecodeLimits& limits);
  /// Waits for the thread, which gives up at its next piece.
  ~InflatePieces();
  InflatePieces(const InflatePieces&) = delete;
  InflatePieces& operator=(const InflatePieces&) = delete;

  struct Piece {
    std::string_view bytes;  ///< valid until the next call
    bool is_last = false;
  };
  /// The next piece, with the last `keep` bytes of the piece before at its front. Errors as inflate_profile's, and
  /// kUnavailable when the system gives no thread.
  Result<Piece> next(size_t keep);

 private:
  static constexpr size_t kBuffers = 3;
  static constexpr size_t kPieceBytes = 256 << 10;
  static constexpr size_t kFrontBytes = 4 << 10;  // for what is kept of the piece before
  struct Buffer {
    std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kFrontBytes + kPieceBytes);
    size_t size = 0;
    bool is_last = false;
    Status status;
  };

  void run(std::string_view gzip);

  const DecodeLimits& limits_;
  Buffer buffers_[kBuffers];
  std::counting_semaphore<kBuffers + 1> free_{kBuffers};  // one more to wake the thread when it is abandoned
  std::counting_semaphore<kBuffers> filled_{0};
  std::atomic<bool> is_abandoned_{false};
  size_t read_ = 0;  ///< pieces given out
  Piece last_;
  std::string long_piece_;  ///< when more is kept than fits in front of a piece
  std::thread thread_;
};

}  // namespace watchfire::converters
