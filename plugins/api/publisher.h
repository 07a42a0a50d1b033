#pragma once

#include <map>
#include <string>

#include "base/config_tree.h"
#include "findings/finding.h"

namespace watchfire::plugins {

/// What goes out together: a digest and the files that belong to it.
struct Publication {
  findings::Digest digest;
  /// Flame graphs by file name ("api.svg"); names are safe slugs made by us.
  std::map<std::string, std::string> attachments;
};

/// Takes digests somewhere: a directory, a chat, a web hook. One object a configured publisher.
///
/// publish() is called from one thread at a time, in order of creation, and may block up to its own timeout. A
/// publisher that can't deliver now keeps the digest in its bounded spool and answers kUnavailable; retry() is
/// called every few seconds and delivers what is due. Nothing it prints or sends holds unescaped text.
class Publisher {
 public:
  virtual ~Publisher() = default;
  /// "file", "slack:ops" ...: for logs and status.
  virtual std::string name() const = 0;
  virtual Status publish(const Publication& publication) = 0;
  virtual void retry() {}
  /// How many publications wait in its spool.
  virtual size_t waiting() const { return 0; }
};

}  // namespace watchfire::plugins
