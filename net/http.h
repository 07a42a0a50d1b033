#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::net {

/// Header names are kept in lower case; of repeated headers the last counts.
using Headers = std::map<std::string, std::string, std::less<>>;

/// Who is at the other end of a Unix socket, as the kernel says.
struct PeerCredentials {
  uint32_t uid = 0;
  uint32_t gid = 0;
  int32_t pid = 0;
};

/// A request as the server received it. All of it is untrusted.
struct HttpRequest {
  std::string method;
  std::string path;  ///< percent-decoded, without the query string
  std::multimap<std::string, std::string, std::less<>> query;
  Headers headers;
  std::string body;
  /// Set for Unix sockets, empty for TCP.
  std::optional<PeerCredentials> peer;

  /// First value of a query parameter, or `fallback`.
  std::string_view param(std::string_view name, std::string_view fallback = {}) const;
  std::string_view header(std::string_view name) const;
};

/// What to answer. Either `body`, or `next_chunk`, which is called on the connection's thread until it gives
/// nothing; it may block.
struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;
  std::function<std::optional<std::string>()> next_chunk;
};

/// "%41b" -> "Ab". Malformed escapes stay as they are. `plus_is_blank` for query strings.
std::string percent_decode(std::string_view text, bool plus_is_blank);
/// Everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

}  // namespace watchfire::net
