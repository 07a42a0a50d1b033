#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::profile {

/// Lines of source files that a profile names, read once each. Only regular files of at most 64 MiB are opened.
class SourceReader {
 public:
  /// Relative paths are looked for in each directory of `search_path` and in its parents; "" is the current one.
  SourceReader(std::string_view search_path, std::string_view trim_path);

  /// The file's lines without their ends, or why it can't be read, as pprof words it.
  const Result<std::vector<std::string>>& lines(const std::string& path);
  /// Whether lines() was asked for this path before.
  bool was_read(const std::string& path) const { return files_.contains(path); }

 private:
  Result<std::vector<std::string>> read(const std::string& path) const;

  std::string search_path_;
  std::string trim_path_;
  std::map<std::string, Result<std::vector<std::string>>> files_;
};

}  // namespace watchfire::profile
