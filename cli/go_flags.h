#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::cli {

/// The message of the error that "-h" gives.
inline constexpr std::string_view kHelpRequested = "help requested";

/// Command-line flags by the rules of Go's flag package, as `go tool pprof` reads them: "-x", "--x", "-x=v",
/// "-x v"; a boolean takes a value only after "="; parsing stops at the first word that is no flag, or after "--".
///
/// Register each flag with the variable it sets; the variable's value before parse() is the default.
class GoFlags {
 public:
  void add(std::string name, bool* target) { flags_[std::move(name)] = {.boolean = target}; }
  void add(std::string name, int* target) { flags_[std::move(name)] = {.integer = target}; }
  void add(std::string name, double* target) { flags_[std::move(name)] = {.number = target}; }
  void add(std::string name, std::string* target) { flags_[std::move(name)] = {.text = target}; }
  /// May be given several times.
  void add(std::string name, std::vector<std::string>* target) { flags_[std::move(name)] = {.list = target}; }

  /// Sets the variables; the rest are the words after the flags. Fails with Go's messages; `-h` and `-help` are
  /// kCancelled.
  Result<std::vector<std::string>> parse(std::span<const std::string_view> words);

 private:
  struct Target {
    bool* boolean = nullptr;
    int* integer = nullptr;
    double* number = nullptr;
    std::string* text = nullptr;
    std::vector<std::string>* list = nullptr;
  };

  Error undefined(std::string_view name) const;
  static Status set(const Target& target, std::string_view name, std::string_view value);

  std::map<std::string, Target, std::less<>> flags_;
};

}  // namespace watchfire::cli
