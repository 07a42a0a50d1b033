#include "cli/profile_url.h"

#include <algorithm>
#include <map>
#include <vector>

#include "cli/go_text.h"
#include "net/http.h"

namespace watchfire::cli {
namespace {

constexpr std::string_view kInsecure = "https+insecure://";
constexpr std::string_view kCpuProfile = "/debug/pprof/profile";
constexpr int kMaxRedirects = 10;
constexpr size_t kMaxErrorText = 1000;

bool is_letter(char c) {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The parts of a URL that are looked at.
struct Parts {
  std::string scheme, authority, path, query;
  std::string host() const {
    return authority.substr(authority.find('@') == std::string::npos ? 0 : authority.find('@') + 1);
  }
};

bool has_good_port(std::string_view host) {
  size_t bracket = host.rfind(']');
  size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return true;
  return std::ranges::all_of(host.substr(colon + 1), is_digit);
}

// False for what is no URL at all. A host stays empty when there is none.
bool split(std::string_view text, Parts& parts) {
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  text = text.substr(0, text.find('#'));
  size_t end = 0;
  while (end < text.size() && (is_letter(text[end]) || (end > 0 && (is_digit(text[end]) || text[end] == '+' ||
                                                                    text[end] == '-' || text[end] == '.'))))
    ++end;
  if (end < text.size() && text[end] == ':') {
    if (end == 0) return false;
    parts.scheme = text.substr(0, end);
    for (char& c : parts.scheme) c = is_letter(c) ? static_cast<char>(c | 0x20) : c;
    text.remove_prefix(end + 1);
  }
  size_t question = std::min(text.find('?'), text.size());
  if (question < text.size()) parts.query = text.substr(question + 1);
  text = text.substr(0, question);
  if (!text.starts_with("//")) {
    parts.path = text;
    return !(parts.scheme.empty() && text.substr(0, text.find('/')).find(':') != std::string_view::npos);
  }
  text.remove_prefix(2);
  size_t slash = std::min(text.find('/'), text.size());
  parts.authority = text.substr(0, slash);
  parts.path = text.substr(slash);
  return parts.authority.find_first_of(" <>\"\\^`{|}") == std::string::npos && has_good_port(parts.host());
}

using Query = std::map<std::string, std::vector<std::string>>;

Query read_query(std::string_view text) {
  Query query;
  while (!text.empty()) {
    size_t end = std::min(text.find('&'), text.size());
    std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    size_t equal = std::min(pair.find('='), pair.size());
    std::string_view value = pair.substr(std::min(equal + 1, pair.size()));
    query[net::percent_decode(pair.substr(0, equal), true)].push_back(net::percent_decode(value, true));
  }
  return query;
}

std::string write_query(const Query& query) {
  std::string out;
  auto encoded = [](std::string_view text) {
    std::string result;
    for (size_t at = 0; at <= text.size();) {
      size_t blank = std::min(text.find(' ', at), text.size());
      result += net::percent_encode(text.substr(at, blank - at));
      if (blank < text.size()) result += '+';
      at = blank + 1;
    }
    return result;
  };
  for (const auto& [name, values] : query)
    for (const std::string& value : values) out += (out.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
  return out;
}

std::string status_text(int status) {
  constexpr std::pair<int, std::string_view> kNames[] = {{400, "Bad Request"},
                                                         {401, "Unauthorized"},
                                                         {403, "Forbidden"},
                                                         {404, "Not Found"},
                                                         {405, "Method Not Allowed"},
                                                         {429, "Too Many Requests"},
                                                         {500, "Internal Server Error"},
                                                         {501, "Not Implemented"},
                                                         {502, "Bad Gateway"},
                                                         {503, "Service Unavailable"},
                                                         {504, "Gateway Timeout"}};
  for (const auto& [number, name] : kNames)
    if (number == status) return std::to_string(status) + " " + std::string(name);
  return std::to_string(status);
}

Error bad_status(const net::FetchResponse& response) {
  Error e(ErrorCode::kUnavailable, "server response: " + status_text(response.status));
  auto header = [&](std::string_view name) {
    auto it = response.headers.find(name);
    return it == response.headers.end() ? std::string() : it->second;
  };
  bool says_why = !header("x-go-pprof").empty() && header("content-type").find("text/plain") != std::string::npos;
  if (says_why) e.message += " - " + std::string(go_trim(response.body.substr(0, kMaxErrorText)));
  return e;
}

// The place a redirect leads to.
std::string resolve(const std::string& from, const std::string& location) {
  if (location.find("://") != std::string::npos) return location;
  Parts base;
  if (!split(from, base)) return location;
  if (location.starts_with("//")) return base.scheme + ":" + location;
  std::string root = base.scheme + "://" + base.authority;
  if (location.starts_with("/")) return root + location;
  return root + base.path.substr(0, base.path.rfind('/') + 1) + location;
}

}  // namespace

ProfileUrl make_profile_url(std::string_view source, int seconds, int timeout) {
  Parts parts;
  bool good = split(source, parts);
  if (!good || (parts.host().empty() && !parts.scheme.empty() && parts.scheme != "file")) {
    parts = {};
    good = split("http://" + std::string(source), parts);
  }
  if (!good || parts.host().empty()) return {};
  if (parts.path.empty() || parts.path == "/") parts.path = kCpuProfile;
  Query query = read_query(parts.query);
  int duration = seconds;
  if (seconds > 0) {
    query["seconds"] = {std::to_string(seconds)};
  } else if (auto it = query.find("seconds"); it != query.end()) {
    if (!go_atoi(it->second[0], duration)) duration = 0;
  }
  if (timeout <= 0) timeout = duration > 0 ? duration + duration / 2 : 60;
  ProfileUrl result;
  result.url = (parts.scheme.empty() ? "" : parts.scheme + ":") + "//" + parts.authority + parts.path;
  if (!query.empty()) result.url += "?" + write_query(query);
  result.timeout = timeout * kSecond;
  result.seconds = std::max(seconds, 0);
  return result;
}

namespace {

Error explained(const Error& error) {
  bool is_distrust = error.message.find("certificate problem") != std::string::npos;
  Error e = error.with("http fetch");
  if (!is_distrust || !e.hint.empty()) return e;
  return std::move(e).hinted("name its issuer with `watchfire pprof -tls_ca FILE`; https+insecure:// takes any server");
}

}  // namespace

Result<std::string> fetch_profile(const ProfileUrl& source, net::TlsOptions tls, size_t max_bytes) {
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    std::string_view given = tls.cert_file.empty() ? "-tls_key" : "-tls_cert";
    std::string_view missing = tls.cert_file.empty() ? "-tls_cert" : "-tls_key";
    return fail(ErrorCode::kInvalidArgument, "http fetch: " + std::string(given) + " is specified, so " +
                                                 std::string(missing) + " must also be specified");
  }
  net::FetchRequest request;
  request.url = source.url;
  request.timeout = source.timeout + 5 * kSecond;
  request.max_body_bytes = max_bytes;
  request.tls = std::move(tls);
  // Only the person may say so, no redirect.
  if (request.url.starts_with(kInsecure)) {
    request.url = "https://" + request.url.substr(kInsecure.size());
    request.tls.insecure_skip_verify = true;
  }
  for (int redirects = 0;; ++redirects) {
    auto response = net::fetch(request);
    if (!response) return fail(explained(response.error()));
    auto location = response->headers.find("location");
    bool moved =
        (response->status >= 301 && response->status <= 303) || response->status == 307 || response->status == 308;
    if (!moved || location == response->headers.end()) {
      if (response->status != 200) return fail(bad_status(*response));
      return std::move(response->body);
    }
    if (redirects == kMaxRedirects) return fail(ErrorCode::kUnavailable, "http fetch: stopped after 10 redirects");
    request.url = resolve(request.url, location->second);
  }
}

}  // namespace watchfire::cli
