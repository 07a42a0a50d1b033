#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "base/listeners.h"
#include "collectors/scrape/scraper.h"
#include "daemon/config.h"
#include "net/http_client.h"

namespace watchfire::daemon {

/// Finds pprof endpoints of this host by itself.
///
/// Only programs in which the parser found pprof handlers are asked, once for each (pid, start, port), with
/// `GET /debug/pprof/` of at most 1 s and 64 kB; all others never see a request. What answers as Go's index page or
/// gperftools does becomes a target, labelled with the service its process belongs to. CPU profiles of these stay off:
/// eBPF sees their CPU already. Thread-safe.
class LocalDiscovery {
 public:
  LocalDiscovery(collectors::Scraper& scraper, Config::Discovery options, std::string host);

  /// All listeners of the host as they are now.
  void update(ListenersMessage&& message);
  void set_options(Config::Discovery options);

 private:
  using Identity = std::tuple<uint32_t, int64_t, uint32_t>;  // pid, start, port
  enum class Kind { kAsked, kGo, kGperftools, kOther };
  struct Known {
    Kind kind = Kind::kAsked;
    Listener listener;
  };

  bool allowed(const Listener& l) const;
  void ask(const Identity& id, const Listener& l);
  void answered(const Identity& id, const Result<net::FetchResponse>& response);
  void publish();

  collectors::Scraper& scraper_;
  const std::string host_;
  std::mutex mutex_;
  Config::Discovery options_;        // guarded by mutex_
  std::map<Identity, Known> known_;  // guarded by mutex_
  net::FetchLoop fetches_;           // last: its callbacks use the rest
};

}  // namespace watchfire::daemon
