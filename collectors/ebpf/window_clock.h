#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace watchfire::collectors::ebpf {

/// Decides when a window is over: at UTC multiples of 10 s, and at once when the wall clock steps against
/// CLOCK_BOOTTIME by more than half a second. Pure: fed with both clocks, reads none.
class WindowClock {
 public:
  static constexpr DurationNs kLength = 10 * kSecond;
  static constexpr DurationNs kStep = kSecond / 2;

  struct Span {
    UnixNs start_ns = 0;
    UnixNs end_ns = 0;
    bool stepped = false;  ///< ended by a step of the wall clock
  };

  WindowClock(UnixNs wall, DurationNs boot) { start(wall, boot); }

  /// The window that just ended, when one did; the next one has begun then.
  std::optional<Span> tick(UnixNs wall, DurationNs boot) {
    UnixNs expected = start_wall_ + (boot - start_boot_);
    if (std::max(wall, expected) - std::min(wall, expected) > kStep) {
      // Before the step the old time is right: the window ends where it would have without it.
      Span span{start_wall_, std::min(expected, end_), true};
      start(wall, boot);
      return span;
    }
    if (wall < end_) return std::nullopt;
    Span span{start_wall_, end_, false};
    // A window ends at its boundary, also when we looked late; what a long pause skipped belongs to the next.
    UnixNs next_start = end_;
    start(wall, boot);
    start_boot_ -= start_wall_ - next_start;
    start_wall_ = next_start;
    return span;
  }

  /// The window so far, at the end of all.
  Span finish(UnixNs wall) const { return {start_wall_, std::clamp(wall, start_wall_, end_), false}; }
  UnixNs end() const { return end_; }

 private:
  void start(UnixNs wall, DurationNs boot) {
    start_wall_ = wall;
    start_boot_ = boot;
    end_ = (wall / kLength + 1) * kLength;
  }

  UnixNs start_wall_ = 0;
  DurationNs start_boot_ = 0;
  UnixNs end_ = 0;
};

}  // namespace watchfire::collectors::ebpf
