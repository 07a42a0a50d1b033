#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/symbols_message.h"
#include "base/window.h"
#include "base/wire.h"

namespace watchfire::collectors::ebpf {

/// The collector's line to watchfired: keeps windows until they are acknowledged, at most 60 s of them and
/// kMaxBytes, then drops the oldest and counts it. Sends again after a reconnect whatever was not acknowledged.
/// One thread.
class DaemonLink {
 public:
  static constexpr size_t kMaxBytes = 16u << 20;
  static constexpr DurationNs kMaxAge = 70 * kSecond;  ///< of the end of a window: 60 s and the newest

  DaemonLink(std::string path, std::function<void(WantedSymbols)> on_wanted)
      : path_(std::move(path)), on_wanted_(std::move(on_wanted)) {}

  void keep_connected(DurationNs now);
  /// Queues a window and sends it as soon as it can.
  void add_window(const RawWindow& window, DurationNs now);
  /// Sent when connected, and again after each reconnect; replaces the last.
  void set_listeners(std::vector<std::byte> encoded);
  void send_symbols(std::vector<std::byte> encoded);
  /// Takes what has come.
  void receive();

  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool connected() const { return channel_.has_value(); }
  size_t waiting() const { return windows_.size(); }
  uint64_t dropped_samples() const { return dropped_samples_; }

 private:
  struct Queued {
    uint64_t session;
    uint64_t sequence;
    uint64_t samples;
    DurationNs added;
    bool sent = false;
    std::vector<std::byte> bytes;
  };
  void drop(const Error& why);
  void flush();
  void trim(DurationNs now);

  std::string path_;
  std::function<void(WantedSymbols)> on_wanted_;
  std::optional<WireChannel> channel_;
  DurationNs next_try_ = 0;
  DurationNs backoff_ = 0;
  std::deque<Queued> windows_;
  size_t bytes_ = 0;
  uint64_t dropped_samples_ = 0;
  std::vector<std::byte> listeners_;
  bool listeners_sent_ = true;
};

}  // namespace watchfire::collectors::ebpf
