#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "collectors/scrape/scraper.h"
#include "converters/pprof/limits.h"
#include "daemon/access.h"
#include "daemon/analysis.h"
#include "daemon/ebpf_intake.h"
#include "net/http.h"
#include "store/store.h"

namespace watchfire::daemon {

/// What the API serves. All outlive it; all are thread-safe. Optional parts are null when they aren't there.
struct ApiParts {
  store::Store* store = nullptr;
  collectors::Scraper* scraper = nullptr;
  Analysis* analysis = nullptr;
  EbpfIntake* ebpf = nullptr;  ///< null: no collector socket could be made
  const Access* access = nullptr;
  std::string host;
  std::string version;
  std::string state_directory;
  UnixNs started = 0;
  converters::DecodeLimits limits;
};

/// The HTTP API under /api/v1 and /metrics, one handler for all sockets. Errors are {code, message, hint,
/// position} with a fitting status. Described in docs/openapi.yaml, which a test compares with routes().
class Api {
 public:
  explicit Api(ApiParts parts);

  net::HttpResponse handle(const net::HttpRequest& request) const;
  /// "GET /api/v1/status" ... for the test that compares them with the description.
  std::vector<std::string> routes() const;

 private:
  using Handler = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;
  struct Route {
    Handler handler;
    bool is_write = false;
    bool is_finding = false;
  };
  void add_state_routes();
  void add_query_routes();
  void add_write_routes();
  void add_analysis_routes();

  const ApiParts parts_;
  std::map<std::string, Route, std::less<>> routes_;  // by "METHOD path"
};

/// An Error as the API answers it.
net::HttpResponse error_response(const Error& error);

/// `start`, `end` or `since` of a request; the last hour without any.
Result<TimeRange> request_range(const net::HttpRequest& request);

}  // namespace watchfire::daemon
