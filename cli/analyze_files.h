#pragma once

#include <string>
#include <vector>

namespace watchfire::cli {

/// The analyst without a daemon: reads files and directories, compares with `base` when there is one, prints the
/// digest. Exit codes as in cli/terminal.h.
struct AnalyzeFiles {
  std::vector<std::string> files;
  std::vector<std::string> base;
  std::string service;
  std::string rules_file;
  bool json = false;
  bool markdown = false;
};
int analyze_files(const AnalyzeFiles& options);

}  // namespace watchfire::cli
