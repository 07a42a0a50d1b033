#pragma once

#include <cstdlib>
#include <string>

#include "base/fd.h"

namespace watchfire::testing {

/// The file of the corpus of real profiles; "" when WATCHFIRE_CORPUS names none that has it.
inline std::string corpus_file(const std::string& path) {
  const char* root = std::getenv("WATCHFIRE_CORPUS");
  if (root == nullptr) return {};
  auto bytes = read_file(std::string(root) + "/" + path, size_t{256} << 20);
  return bytes ? *std::move(bytes) : std::string();
}

}  // namespace watchfire::testing

/// Skips the test when the corpus has no such file.
#define WF_CORPUS_OR_SKIP(name, path)                         \
  std::string name = ::watchfire::testing::corpus_file(path); \
  if (name.empty()) GTEST_SKIP() << "WATCHFIRE_CORPUS has no " << (path)
