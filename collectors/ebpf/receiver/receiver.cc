#include "collectors/ebpf/receiver/receiver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <mutex>
#include <optional>

#include "base/counters.h"
#include "base/log.h"
#include "base/wire.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr size_t kMaxQueuedRequests = 256;
constexpr size_t kMaxAcked = 256;  ///< far more than a collector keeps
constexpr int kMessagesPerPoll = 16;

}  // namespace

struct Receiver::State {
  State(WireListener l, Fd w, Callbacks c) : listener(std::move(l)), wake(std::move(w)), callbacks(std::move(c)) {}

  WireListener listener;
  Fd wake;  ///< eventfd: something was queued
  Callbacks callbacks;

  // Owned by the thread that polls.
  std::optional<WireChannel> link;
  uint64_t session = 0;        ///< of the collector last heard
  std::deque<uint64_t> acked;  ///< its windows acknowledged last: sent again, they are only acknowledged again

  std::mutex mutex;
  // Guarded by mutex.
  std::deque<WindowAck> acks;
  std::deque<WantedSymbols> wanted;
  bool connected = false;

  void accept_collector();
  void drop_link(const Error& why);
  void receive_messages();
  Status handle(const WireMessage& message);
  Status handle_window(const WireMessage& message);
  void send_queued();
  Status send_ack(const WindowAck& ack);
};

void Receiver::State::accept_collector() {
  auto peer = listener.accept(WireRole::kDaemon, WireRole::kCollector);
  if (!peer) {
    count("collector_links_total", "refused");
    log_limited(LogLevel::kWarn, "collector-refused", "a collector was refused: " + peer.error().text());
    return;
  }
  if (!*peer) return;
  if (link) drop_link(Error(ErrorCode::kCancelled, "another collector connected"));
  link = std::move(**peer);
  {
    std::lock_guard lock(mutex);
    connected = true;
    wanted.clear();
    acks.clear();
  }
  count("collector_links_total", "connected");
  log_info("the collector is connected (pid " + std::to_string(link->peer_pid()) + ")");
  if (callbacks.on_link) callbacks.on_link(true);
}

void Receiver::State::drop_link(const Error& why) {
  link.reset();
  {
    std::lock_guard lock(mutex);
    connected = false;
    wanted.clear();
    acks.clear();
  }
  bool broke = why.code == ErrorCode::kCorrupt;
  count("collector_links_total", broke ? "protocol" : "closed");
  log_limited(broke ? LogLevel::kWarn : LogLevel::kInfo, "collector-gone", "the collector's link ended: " + why.text());
  if (callbacks.on_link) callbacks.on_link(false);
}

void Receiver::State::receive_messages() {
  for (int i = 0; i < kMessagesPerPoll && link; ++i) {
    auto message = link->receive(0);
    if (!message) return drop_link(message.error());
    if (!*message) return;
    if (auto handled = handle(**message); !handled) return drop_link(handled.error());
  }
}

Status Receiver::State::handle(const WireMessage& message) {
  switch (message.type) {
    case WireType::kWindow:
      return handle_window(message);
    case WireType::kListeners: {
      WF_ASSIGN(auto listeners, decode_listeners(message.bytes));
      if (callbacks.on_listeners) callbacks.on_listeners(std::move(listeners));
      return {};
    }
    case WireType::kSymbols: {
      WF_ASSIGN(auto answer, decode_symbols_answer(message.bytes));
      if (callbacks.on_symbols) callbacks.on_symbols(std::move(answer));
      return {};
    }
    default:
      return fail(ErrorCode::kCorrupt,
                  "a message of type " + std::to_string(static_cast<int>(message.type)) + " from a collector");
  }
}

Status Receiver::State::handle_window(const WireMessage& message) {
  WF_ASSIGN(RawWindow window, decode_window(message.bytes));
  WindowAck ack{window.session, window.sequence};
  if (ack.session != session) acked.clear();
  session = ack.session;
  if (std::ranges::find(acked, ack.sequence) != acked.end()) return send_ack(ack);
  count("collector_windows_total", "received");
  if (callbacks.on_window && !callbacks.on_window(std::move(window))) return {};
  return send_ack(ack);
}

Status Receiver::State::send_ack(const WindowAck& ack) {
  if (ack.session == session && std::ranges::find(acked, ack.sequence) == acked.end()) acked.push_back(ack.sequence);
  if (acked.size() > kMaxAcked) acked.pop_front();
  return link->send(WireType::kWindowAck, encode_window_ack(ack));
}

void Receiver::State::send_queued() {
  std::deque<WindowAck> ready_acks;
  std::deque<WantedSymbols> ready_wanted;
  {
    std::lock_guard lock(mutex);
    ready_acks.swap(acks);
    ready_wanted.swap(wanted);
  }
  for (const auto& ack : ready_acks) {
    if (!link) return;
    if (auto sent = send_ack(ack); !sent) return drop_link(sent.error());
  }
  for (const auto& request : ready_wanted) {
    if (!link) return;
    if (auto sent = link->send(WireType::kWantedSymbols, encode_wanted_symbols(request)); !sent)
      return drop_link(sent.error());
  }
}

Result<Receiver> Receiver::create(Options options, Callbacks callbacks) {
  WF_ASSIGN(auto listener,
            WireListener::listen(options.socket_path, options.socket_mode, std::move(options.allowed_uids)));
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail(system_error(errno, "making an eventfd"));
  return Receiver(std::make_unique<State>(std::move(listener), std::move(wake), std::move(callbacks)));
}

Receiver::Receiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
Receiver::Receiver(Receiver&&) noexcept = default;
Receiver& Receiver::operator=(Receiver&&) noexcept = default;
Receiver::~Receiver() = default;

void Receiver::poll(int timeout_ms) {
  pollfd fds[3] = {{state_->listener.fd(), POLLIN, 0},
                   {state_->wake.get(), POLLIN, 0},
                   {state_->link ? state_->link->fd() : -1, POLLIN, 0}};
  if (::poll(fds, 3, timeout_ms) <= 0) return;
  if (fds[1].revents != 0) {
    uint64_t value = 0;
    (void)!::read(state_->wake.get(), &value, sizeof value);
  }
  if (fds[2].revents != 0) state_->receive_messages();
  state_->send_queued();
  if (fds[0].revents != 0) state_->accept_collector();
}

void Receiver::wake() {
  uint64_t one = 1;
  (void)!::write(state_->wake.get(), &one, sizeof one);
}

void Receiver::acknowledge(WindowAck ack) {
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->connected) return;
    state_->acks.push_back(ack);
  }
  wake();
}

bool Receiver::want_symbols(WantedSymbols wanted) {
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->connected || state_->wanted.size() >= kMaxQueuedRequests) return false;
    state_->wanted.push_back(std::move(wanted));
  }
  wake();
  return true;
}

bool Receiver::connected() const {
  std::lock_guard lock(state_->mutex);
  return state_->connected;
}

}  // namespace watchfire::collectors::ebpf
