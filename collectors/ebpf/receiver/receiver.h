#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/listeners.h"
#include "base/result.h"
#include "base/symbols_message.h"
#include "base/window.h"

namespace watchfire::collectors::ebpf {

/// The daemon's end of the link to watchfire-collect: accepts the collector, decodes what it says, acknowledges
/// windows, asks for symbols. One collector at a time: a new connection (a restarted collector) replaces the old.
///
/// Threads: one thread owns the object and calls poll(); the callbacks run on it. acknowledge() and want_symbols()
/// may be called from any thread. A collector that breaks the protocol is disconnected, logged and counted
/// (`collector_links_total{reason=...}`); it connects again by itself.
class Receiver {
 public:
  struct Callbacks {
    /// A window. Return true when it is safe already (it is acknowledged at once); false to call acknowledge()
    /// later, when it is durable. Windows come in order; one that was acknowledged is never delivered twice within
    /// this process, but one delivered and not acknowledged comes again after a reconnect.
    std::function<bool(RawWindow&&)> on_window;
    std::function<void(ListenersMessage&&)> on_listeners;
    std::function<void(SymbolsAnswer&&)> on_symbols;
    /// true: a collector is connected; false: it went. Open symbol requests are void then.
    std::function<void(bool)> on_link;
  };

  struct Options {
    std::string socket_path;          ///< made by listen(), in a directory the collector may enter
    std::vector<uid_t> allowed_uids;  ///< the collector's user; root and our own are always allowed
    unsigned socket_mode = 0666;      ///< who may connect is decided by uid, see allowed_uids
  };

  static Result<Receiver> create(Options options, Callbacks callbacks);
  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;
  ~Receiver();

  /// Waits up to `timeout_ms` for something to happen and handles it. Call in a loop.
  void poll(int timeout_ms);
  /// Makes a poll() in progress return early. Any thread.
  void wake();

  /// The window is durable. Any thread.
  void acknowledge(WindowAck ack);
  /// Asks for names. The answer comes to on_symbols with the same `request`; none comes when the link breaks first.
  /// False: no collector is connected, or 256 requests wait already. Any thread.
  bool want_symbols(WantedSymbols wanted);
  bool connected() const;

 private:
  struct State;
  explicit Receiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace watchfire::collectors::ebpf
