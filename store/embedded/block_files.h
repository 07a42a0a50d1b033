#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace watchfire::store {

/// The directory of immutable block files. Stateless but for its path; safe from any thread.
class BlockFiles {
 public:
  explicit BlockFiles(std::string directory) : directory_(std::move(directory)) {}

  Status create_directory() const;
  /// Durable when it returns: synced, renamed into place, directory synced.
  Status write(int64_t id, std::string_view bytes) const;
  Result<std::string> read(int64_t id) const;
  void remove(int64_t id) const;
  /// Renames a damaged block so that nobody reads it again but an engineer can.
  void set_aside(int64_t id) const;
  /// Ids of the files that are there.
  std::vector<int64_t> list() const;

 private:
  std::string path(int64_t id) const;
  std::string directory_;
};

}  // namespace watchfire::store
