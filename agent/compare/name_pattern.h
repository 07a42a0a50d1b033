#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "profile/regex.h"

namespace watchfire::agent {

/// What a profile's file name says.
struct ProfileName {
  std::string implementation, phase, kind, run;
};

/// How names are read. {impl}, {phase}, {kind} and {run} stand for parts, [...] may be missing, * is any text; all else
/// stands for itself. An implementation may have dots, a phase or kind none, a run is a number.
class NamePattern {
 public:
  static constexpr std::string_view kDefault = "{impl}.{phase}.{kind}[.{run}].pprof[.gz]";

  static Result<NamePattern> compile(std::string_view pattern);
  /// Of a base name; nothing when it does not follow the pattern.
  std::optional<ProfileName> read(std::string_view file_name) const;
  const std::string& text() const { return text_; }

 private:
  NamePattern(std::string text, profile::Regex regex, std::vector<std::string> fields)
      : text_(std::move(text)), regex_(std::move(regex)), fields_(std::move(fields)) {}

  std::string text_;
  profile::Regex regex_;
  std::vector<std::string> fields_;  ///< of the groups
};

}  // namespace watchfire::agent
