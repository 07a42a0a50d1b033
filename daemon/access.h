#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "net/http.h"

namespace watchfire::daemon {

/// Who may do what over which socket.
///
/// Unix socket: the kernel says who connects; root, our own user and members of the group `watchfire` may do
/// everything, the agent's user may read and file findings, others nothing. TCP: the Host header must be a loopback
/// name or one that was configured (against DNS rebinding), requests that browsers send from other sites are
/// refused, reading is free, writing needs the bearer token from a file; without such a file TCP is read-only.
class Access {
 public:
  struct Options {
    std::string group;  ///< "" or unknown: only root and our own user
    std::string agent_user = "watchfire-agent";
    std::string write_token_file;
  };
  explicit Access(Options options);

  /// kPermissionDenied with the reason when the request may not be served. `is_write`: it changes something;
  /// `is_finding`: it files a finding.
  Status check(const net::HttpRequest& request, bool is_write, bool is_finding) const;
  /// The group's id for the socket file, -1 when there is none.
  int group_id() const { return group_id_; }

 private:
  Status check_peer(const net::PeerCredentials& peer, bool is_write, bool is_finding) const;
  Status check_tcp(const net::HttpRequest& request, bool is_write) const;
  bool in_group(uid_t uid, gid_t gid) const;

  const Options options_;
  int group_id_ = -1;
  int64_t agent_uid_ = -1;
};

}  // namespace watchfire::daemon
