#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace watchfire {

/// A password, token or key. It has no conversion, comparison or output: only reveal(), for the one place that sends
/// it, shows it.
class Secret {
 public:
  Secret() = default;

  /// The file's text without white space at its ends. An empty file, and one with control characters inside (a
  /// header could not carry it), is kInvalidArgument; errors name the file, never what is in it.
  static Result<Secret> from_file(const std::string& path);

  const std::string& reveal() const { return value_; }
  /// The text with every occurrence of the secret replaced, for messages of a peer that may repeat it.
  std::string redacted(std::string_view text) const;

 private:
  std::string value_;
};

}  // namespace watchfire
