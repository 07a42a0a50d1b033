#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "findings/finding.h"

namespace watchfire::findings {

/// The memory of findings across digests: gives each its life, and remembers it in one JSON file that is replaced
/// atomically; beside it lies FILE.filed with what waits for the next digest. Bounded: findings unseen for 90 days go,
/// at most 10,000 are kept. Thread-safe.
class Journal {
 public:
  /// Reads the file; a missing one is an empty journal, a damaged one is set aside with a warning.
  static Result<std::unique_ptr<Journal>> open(const std::string& path);

  /// Fills life, first_seen and last_seen of the digest's findings, and `fixed` with those that were open, belong
  /// to a service the digest could judge, and are gone. Findings of a model are only fixed when one is filed as such:
  /// a model that does not repeat itself has not measured. A finding is worse when its amount grew by more than a
  /// third and more than its uncertainty.
  Status update(Digest& digest);
  /// One finding from outside (a model), for the next digest; replaces one with its key that waits already.
  Status file(Finding finding);
  /// Findings filed and not yet taken into a digest; taking empties the list. They are remembered until update().
  std::vector<Finding> take_filed();
  /// kNotFound when there is no such key.
  Status accept(const std::string& key);
  /// All that are not fixed, newest first.
  std::vector<Finding> open_findings() const;

 private:
  explicit Journal(std::string path) : path_(std::move(path)) {}
  Status save_locked() const;
  Status save_filed_locked() const;

  const std::string path_;
  mutable std::mutex mutex_;
  std::map<std::string, Finding> known_;  // by key; guarded by mutex_
  std::vector<Finding> filed_;            // guarded by mutex_
};

}  // namespace watchfire::findings
