#include "collectors/ebpf/daemon_link.h"

#include <algorithm>

#include "base/counters.h"
#include "base/log.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr DurationNs kFirstBackoff = kSecond / 2;
constexpr DurationNs kLongestBackoff = 5 * kSecond;
constexpr DurationNs kSendPatience = 50 * kMillisecond;
constexpr int kMessagesAtOnce = 64;

}  // namespace

void DaemonLink::keep_connected(DurationNs now) {
  if (channel_ || path_.empty() || now < next_try_) return;
  auto channel = WireChannel::connect(path_, WireRole::kCollector, WireRole::kDaemon, kSecond / 2);
  if (!channel) {
    backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
    next_try_ = now + backoff_;
    count("daemon_links_total", "failed");
    log_limited(LogLevel::kWarn, "daemon-connect", "no watchfired: " + channel.error().text(), 60);
    return;
  }
  channel_ = *std::move(channel);
  backoff_ = 0;
  log_info("connected to watchfired");
  for (auto& window : windows_) window.sent = false;
  listeners_sent_ = listeners_.empty();
  flush();
}

void DaemonLink::drop(const Error& why) {
  channel_.reset();
  count("daemon_links_total", "broken");
  log_limited(LogLevel::kWarn, "daemon-gone", "the link to watchfired ended: " + why.text());
}

void DaemonLink::add_window(const RawWindow& window, DurationNs now) {
  auto bytes = encode_window(window);
  bytes_ += bytes.size();
  windows_.push_back({window.session, window.sequence, window.stored_samples(), now, false, std::move(bytes)});
  trim(now);
  flush();
}

void DaemonLink::trim(DurationNs now) {
  while (windows_.size() > 1 && (bytes_ > kMaxBytes || now - windows_.front().added > kMaxAge)) {
    count_lost("windows", bytes_ > kMaxBytes ? "queue_full" : "watchfired_away");
    count_lost("samples", "window_dropped", windows_.front().samples);
    dropped_samples_ += windows_.front().samples;
    bytes_ -= windows_.front().bytes.size();
    windows_.pop_front();
  }
}

void DaemonLink::flush() {
  auto send = [&](WireType type, const std::vector<std::byte>& bytes) {
    auto sent = channel_->send(type, bytes, {}, kSendPatience);
    if (!sent && sent.error().code != ErrorCode::kCancelled) drop(sent.error());
    return sent.has_value();
  };
  for (auto& window : windows_) {
    if (!channel_) return;
    if (!window.sent && !send(WireType::kWindow, window.bytes)) return;
    window.sent = true;
  }
  if (channel_ && !listeners_sent_) listeners_sent_ = send(WireType::kListeners, listeners_);
}

void DaemonLink::set_listeners(std::vector<std::byte> encoded) {
  if (encoded == listeners_) return;
  listeners_ = std::move(encoded);
  listeners_sent_ = false;
  if (channel_) flush();
}

void DaemonLink::send_symbols(std::vector<std::byte> encoded) {
  if (!channel_) return;
  auto sent = channel_->send(WireType::kSymbols, encoded, {}, kSendPatience);
  if (!sent && sent.error().code == ErrorCode::kCancelled) count_lost("symbols", "watchfired_busy");
  if (!sent && sent.error().code != ErrorCode::kCancelled) drop(sent.error());
}

void DaemonLink::receive() {
  for (int i = 0; i < kMessagesAtOnce && channel_; ++i) {
    auto message = channel_->receive(0);
    if (!message) return drop(message.error());
    if (!*message) return;
    const auto& bytes = (*message)->bytes;
    if ((*message)->type == WireType::kWindowAck) {
      auto ack = decode_window_ack(bytes);
      if (!ack) return drop(ack.error());
      std::erase_if(windows_, [&](const Queued& w) {
        bool done = w.session == ack->session && w.sequence == ack->sequence;
        if (done) bytes_ -= w.bytes.size();
        return done;
      });
    } else if ((*message)->type == WireType::kWantedSymbols) {
      auto wanted = decode_wanted_symbols(bytes);
      if (!wanted) return drop(wanted.error());
      on_wanted_(*std::move(wanted));
    } else {
      return drop(Error(ErrorCode::kCorrupt, "an unexpected message from watchfired"));
    }
  }
  if (channel_) flush();
}

}  // namespace watchfire::collectors::ebpf
