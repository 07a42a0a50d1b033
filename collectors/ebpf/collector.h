#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/window.h"
#include "collectors/ebpf/bpf_sampler.h"
#include "collectors/ebpf/daemon_link.h"
#include "collectors/ebpf/file_cache.h"
#include "collectors/ebpf/kernel_symbols.h"
#include "collectors/ebpf/listener_scan.h"
#include "collectors/ebpf/parser_link.h"
#include "collectors/ebpf/process_table.h"
#include "collectors/ebpf/window_builder.h"
#include "collectors/ebpf/window_clock.h"

namespace watchfire::collectors::ebpf {

struct CollectorOptions {
  std::string daemon_socket;                        ///< watchfired's; empty: windows go to on_window alone
  std::string parser_socket;                        ///< watchfire-parse's; empty: files stay "inode:..."
  uint32_t hz = 19;                                 ///< samples a second and CPU, 1 to max_hz
  uint32_t max_hz = 999;                            ///< more costs more than it tells; tests raise it
  bool force = false;                               ///< also on kernels known to freeze
  bool listeners = true;                            ///< look for listening processes
  std::function<void(const RawWindow&)> on_window;  ///< sees every window, for printing and tests
};

/// The whole of watchfire-collect: samples in, windows out. One thread does everything; run() returns after stop_fd
/// became readable and the last window was handed over (or 2 s went by).
class Collector {
 public:
  static Result<std::unique_ptr<Collector>> create(CollectorOptions options);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void run(int stop_fd);

 private:
  Collector(CollectorOptions options, BpfSampler sampler);

  void wait(int stop_fd, bool& stop);
  void take_samples();
  void take(const Sample& sample);
  void close_window(const WindowClock::Span& span);
  struct Unfired {
    uint64_t idle = 0;
    uint64_t late = 0;
  };
  Unfired account_unfired(const wf_counts& now);
  void hand_over(bool all);
  void read_kernel_symbols();
  void once_a_window();
  void look_for_listeners();
  void finish();
  void answer_wanted(const WantedSymbols& wanted);

  /// A window that is over but may still learn its files' segments.
  struct Closed {
    RawWindow header;
    std::unique_ptr<WindowBuilder> builder;
  };

  CollectorOptions options_;
  BpfSampler sampler_;
  FileCache files_;
  ProcessTable processes_;
  ListenerScan listeners_;
  DaemonLink daemon_;
  ParserLink parser_;
  KernelSymbols kernel_;
  bool kernel_known_ = false;
  std::string modules_;  ///< /proc/modules when the kernel's symbols were read
  FileRef unnamed_kernel_;
  WindowClock clock_;
  std::unique_ptr<WindowBuilder> window_;
  std::deque<Closed> closed_;
  DurationNs now_ = 0;
  DurationNs listeners_told_ = 0;
  bool listeners_open_ = false;  ///< the parser has not looked at every listener's program
  uint64_t session_ = 0;
  uint64_t sequence_ = 0;
  wf_counts accounted_{};  ///< the sampler's totals up to the last window
  DurationNs accounted_at_ = boot_ns();
  DurationNs idle_time_ = 0;    ///< of all CPUs, then
  uint64_t total_drained_ = 0;  ///< samples and bad records taken from the rings
  uint64_t drained_accounted_ = 0;
};

}  // namespace watchfire::collectors::ebpf
