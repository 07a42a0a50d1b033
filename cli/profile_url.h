#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_client.h"

namespace watchfire::cli {

/// Where a profile is fetched from over HTTP, and how long that may take.
struct ProfileUrl {
  std::string url;  ///< "" when the source is no URL
  DurationNs timeout = 0;
  int seconds = 0;  ///< how long the program is asked to measure, by -seconds
};

/// Makes a URL of what a person wrote, as `go tool pprof` does: "host:port/path" is one, without a path it is
/// /debug/pprof/profile, `seconds` (when above 0) becomes a parameter, and the time to wait follows from it.
/// 0 or less: not said.
ProfileUrl make_profile_url(std::string_view source, int seconds, int timeout);

/// Gets the body. Redirects are followed ten times. Errors have pprof's texts.
Result<std::string> fetch_profile(const ProfileUrl& source, net::TlsOptions tls, size_t max_bytes);

}  // namespace watchfire::cli
