#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/analyst/analyst.h"
#include "daemon/config.h"
#include "daemon/ebpf_intake.h"
#include "findings/journal.h"
#include "plugins/api/publisher.h"
#include "store/store.h"

namespace watchfire::daemon {

/// Runs the analyst on its schedule and on demand, keeps findings' lives, and hands digests to the publishers.
///
/// Scheduled runs, publishing and retries happen on one thread of its own. run_now() analyses on the caller's thread
/// and publishes nothing unless asked. A run that fails makes a digest that says so. Thread-safe.
class Analysis {
 public:
  struct Parts {
    store::Store* store = nullptr;
    std::string host;
    std::string journal_path;
    /// Samples expected and lost so far; null when no eBPF is there.
    std::function<std::optional<EbpfIntake::State>()> ebpf_state;
  };

  static Result<std::unique_ptr<Analysis>> create(Parts parts, const Config::Analysis& options,
                                                  std::vector<std::unique_ptr<plugins::Publisher>> publishers);
  ~Analysis();

  /// Starts the schedule.
  void start();
  /// After a reload.
  Status configure(const Config::Analysis& options, std::vector<std::unique_ptr<plugins::Publisher>> publishers);

  /// One analysis for the API: `service` "" for all, over `range`, compared with the range before it.
  Result<findings::Digest> run_now(TimeRange range, const std::string& service,
                                   const std::function<void(std::string_view)>& progress);
  /// Makes the thread run and publish a digest over `range` now; returns the digest once it is published.
  Result<findings::Digest> publish_now(TimeRange range);
  /// A sentence for the next digest's notes, from the agent. At most 10 wait; each is cut to 500 bytes.
  Status add_note(std::string note);
  /// Makes the thread publish the last digest's range once more, now with the findings that were filed since. Does
  /// nothing before the first digest.
  void publish_filed();

  std::optional<findings::Digest> last_digest() const;
  findings::Journal& journal() { return *journal_; }
  struct PublisherState {
    std::string name;
    std::string last_error;
    size_t waiting = 0;
  };
  std::vector<PublisherState> publishers() const;
  /// Digests published since the start.
  uint64_t digests() const;

 private:
  explicit Analysis(Parts parts) : parts_(std::move(parts)) {}
  void run();
  std::optional<TimeRange> due_range(UnixNs now);
  findings::Digest make_digest(TimeRange range);
  void publish(const findings::Digest& digest);
  std::map<std::string, std::string> flame_graphs(const findings::Digest& digest);

  const Parts parts_;
  std::unique_ptr<findings::Journal> journal_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, published_;
  // Guarded by mutex_:
  Config::Analysis options_;
  std::shared_ptr<const agent::Analyst> analyst_;
  std::vector<std::shared_ptr<plugins::Publisher>> publishers_;
  std::map<std::string, std::string> publisher_errors_;
  std::optional<findings::Digest> last_;
  std::optional<TimeRange> asked_;
  std::vector<std::string> notes_;
  uint64_t digests_ = 0;
  bool stopping_ = false;
  // Analysis thread only:
  bool first_done_ = false;
  UnixNs next_run_ = 0;
  DurationNs collecting_since_ = 0;

  std::mutex publishing_;  // one publication at a time
  std::thread thread_;
};

}  // namespace watchfire::daemon
