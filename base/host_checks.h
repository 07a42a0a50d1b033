#pragma once

#include <string>
#include <vector>

namespace watchfire {

/// One thing that Watchfire needs of the host, and what to do when it isn't there.
struct HostCheck {
  std::string name;  ///< "kernel", "btf" ...
  bool good = false;
  std::string text;    ///< what was found
  std::string remedy;  ///< empty when good
};

/// Looks at kernel version, BTF, lockdown, perf_event_paranoid, kernel symbols and the disk under `state_directory`.
/// Reads below `root` ("" for the host itself), so tests can give it a made-up tree.
std::vector<HostCheck> check_host(const std::string& root, const std::string& state_directory);

}  // namespace watchfire
