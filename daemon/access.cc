#include "daemon/access.h"

#include <grp.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include <vector>

#include "base/fd.h"

namespace watchfire::daemon {
namespace {

constexpr size_t kMaxTokenBytes = 4096;

std::string_view host_without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

std::unexpected<Error> denied(std::string message, std::string hint = {}) {
  return fail(Error(ErrorCode::kPermissionDenied, std::move(message)).hinted(std::move(hint)));
}

}  // namespace

Access::Access(Options options) : options_(std::move(options)) {
  if (const group* g = options_.group.empty() ? nullptr : ::getgrnam(options_.group.c_str()))
    group_id_ = static_cast<int>(g->gr_gid);
  if (const passwd* p = ::getpwnam(options_.agent_user.c_str())) agent_uid_ = p->pw_uid;
}

Status Access::check(const net::HttpRequest& request, bool is_write, bool is_finding) const {
  if (request.peer) return check_peer(*request.peer, is_write, is_finding);
  return check_tcp(request, is_write);
}

bool Access::in_group(uid_t uid, gid_t gid) const {
  if (group_id_ < 0) return false;
  if (gid == static_cast<gid_t>(group_id_)) return true;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return false;
  int count = 256;
  std::vector<gid_t> groups(static_cast<size_t>(count));
  if (::getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0) return false;
  for (int i = 0; i < count; ++i)
    if (groups[static_cast<size_t>(i)] == static_cast<gid_t>(group_id_)) return true;
  return false;
}

Status Access::check_peer(const net::PeerCredentials& peer, bool is_write, bool is_finding) const {
  if (peer.uid == 0 || peer.uid == ::geteuid()) return {};
  if (static_cast<int64_t>(peer.uid) == agent_uid_) {
    if (!is_write || is_finding) return {};
    return denied("the agent may only read and file findings");
  }
  if (in_group(peer.uid, peer.gid)) return {};
  return denied("user " + std::to_string(peer.uid) + " may not use Watchfire",
                "add the user to the group " + options_.group + " (usermod -aG) and log in again");
}

Status Access::check_tcp(const net::HttpRequest& request, bool is_write) const {
  std::string_view host = host_without_port(request.header("host"));
  if (host != "127.0.0.1" && host != "localhost" && host != "[::1]")
    return denied("this Host is not served", "ask http://127.0.0.1:PORT or http://localhost:PORT");
  std::string_view site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none") return denied("requests from other sites are refused");
  if (!is_write) return {};
  if (options_.write_token_file.empty())
    return denied("TCP is read-only", "use the Unix socket, or set api.write_token_file");
  WF_ASSIGN(std::string token, read_file(options_.write_token_file, kMaxTokenBytes));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  std::string want = "Bearer " + token, got(request.header("authorization"));
  if (token.empty() || want.size() != got.size() || CRYPTO_memcmp(want.data(), got.data(), want.size()) != 0)
    return denied("writing over TCP needs the token", "send Authorization: Bearer TOKEN");
  return {};
}

}  // namespace watchfire::daemon
