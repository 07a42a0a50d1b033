#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "converters/pprof/limits.h"

namespace CLI {
class App;
}

namespace watchfire::cli {

class GoFlags;

/// The flags --limit-NAME that let a profile be larger than what decoding accepts by itself: one for each field of
/// converters::DecodeLimits, with '-' for '_'. Must outlive the parser it was added to.
class LimitFlags {
 public:
  LimitFlags();

  void add_to(GoFlags& flags);
  void add_to(CLI::App& app);
  /// The limits of files a person names, with what the flags say: a count, or a size such as 512MB.
  Result<converters::DecodeLimits> limits() const;

 private:
  std::map<std::string, std::string> values_;  ///< by the flag's name, without dashes
};

/// The flags and what each is without it.
std::string limits_help();

/// An error that says which limit was reached, with the flag that raises it as hint; others as they are.
Error with_limit_flag(Error error);

}  // namespace watchfire::cli
