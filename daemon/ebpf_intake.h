#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/window.h"
#include "collectors/ebpf/receiver/receiver.h"
#include "store/store.h"

namespace watchfire::daemon {

/// Takes the collector's windows into the store and asks it for the names they lack.
///
/// A window is acknowledged when the store has it for good; then addresses without names are asked for, and the
/// answers go to the store. One thread of its own; construct, then it runs until destroyed (which takes in what
/// has arrived, and logs where all samples went). Failures to store leave the window unacknowledged: the collector
/// keeps and sends it again.
class EbpfIntake {
 public:
  /// What was seen, for status. Sample counts are sums over all windows taken in.
  struct State {
    bool connected = false;
    uint64_t windows = 0;
    uint64_t expected = 0;
    uint64_t stored = 0;
    uint64_t idle = 0;
    std::map<std::string, uint64_t, std::less<>> lost;  ///< by reason
    UnixNs last_window_end = 0;
    UnixNs first_window_start = 0;
    uint32_t sample_hz = 0;

    uint64_t lost_samples() const;
  };
  using OnListeners = std::function<void(ListenersMessage&&)>;

  static Result<std::unique_ptr<EbpfIntake>> start(const std::string& socket_path, std::vector<uid_t> collector_uids,
                                                   const std::string& host, store::Store& store,
                                                   OnListeners on_listeners);
  ~EbpfIntake();

  State state() const;

 private:
  EbpfIntake(const std::string& host, store::Store& store, OnListeners on_listeners);
  void run();
  bool take_window(RawWindow&& window);
  void ask_for_names(const std::string& file_id, const std::vector<uint64_t>& addresses);
  void take_symbols(SymbolsAnswer&& answer);

  const std::string host_;
  store::Store& store_;
  const OnListeners on_listeners_;
  std::unique_ptr<collectors::ebpf::Receiver> receiver_;
  uint64_t next_request_ = 1;  // intake thread only
  // Names asked for and not yet answered, or not to be had for now: file id -> when to ask again. Intake thread only.
  std::map<std::string, DurationNs> not_before_;

  mutable std::mutex mutex_;
  State state_;  // guarded by mutex_
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace watchfire::daemon
