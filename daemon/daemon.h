#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "plugins/api/publisher.h"

namespace watchfire::daemon {

/// What watchfired is started with.
struct DaemonOptions {
  std::string config_path;  ///< "": defaults alone
  std::string state_directory = "/var/lib/watchfire";
  std::string run_directory = "/run/watchfire";
  std::string tcp;  ///< overrides api.tcp
  /// Makes the configured publishers; main gives it, since only main names concrete plugins.
  std::function<Result<std::vector<std::unique_ptr<plugins::Publisher>>>(const Config&, const std::string& state)>
      make_publishers;
};

/// watchfired, put together: store, scraper, discovery, eBPF intake, analysis, API on its sockets.
///
/// start() builds everything or nothing. Parts stop in the order that loses nothing: sockets, scraping, intake (which
/// takes in what the collector has sent), analysis, and the store last. Owned and used by the main thread.
class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> start(const DaemonOptions& options);
  virtual ~Daemon() = default;
  /// Reads the configuration again; on an error nothing changes.
  virtual Status reload() = 0;
};

}  // namespace watchfire::daemon
