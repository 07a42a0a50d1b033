#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace watchfire::agent::llm {

/// What one run may cost.
struct Limits {
  int64_t calls = 20;        ///< requests to the endpoint, tries again included
  int64_t tokens = 200'000;  ///< read and written, as the endpoint counts them
  DurationNs time = 5 * kMinute;
  int64_t reply_tokens = 8192;  ///< of one reply
};

/// What of the limits is used up. Starts with its construction; one thread.
class Budget {
 public:
  explicit Budget(Limits limits) : limits_(limits), start_(boot_ns()) {}

  const Limits& limits() const { return limits_; }
  int64_t calls() const { return calls_; }
  int64_t tokens() const { return tokens_; }
  DurationNs elapsed() const { return boot_ns() - start_; }
  DurationNs deadline() const { return start_ + limits_.time; }
  DurationNs time_left() const { return deadline() - boot_ns(); }
  int64_t tokens_left() const { return limits_.tokens - tokens_; }

  void add_call() { ++calls_; }
  void add_tokens(int64_t n) { tokens_ += n; }

  /// Which limit is met, as a sentence; "" while none is. `next_tokens`: what one more call takes at least.
  std::string ended(int64_t next_tokens = 1) const {
    if (calls_ >= limits_.calls) return "the limit of " + std::to_string(limits_.calls) + " calls ended the run";
    if (tokens_left() < next_tokens) return "the limit of " + std::to_string(limits_.tokens) + " tokens ended the run";
    if (time_left() <= 0) return time_is_over();
    return "";
  }
  std::string time_is_over() const { return "the limit of " + format_duration(limits_.time) + " ended the run"; }

 private:
  const Limits limits_;
  const DurationNs start_;
  int64_t calls_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace watchfire::agent::llm
