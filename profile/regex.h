#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"

namespace re2 {
class RE2;
}

namespace watchfire::profile {

/// A compiled regular expression in RE2 syntax, searched unanchored. Linear in the text, with bounded memory, so a
/// pattern from outside is safe. Cheap to copy; const use from any thread.
class Regex {
 public:
  /// Fails with the text Go's regexp gives: "error parsing regexp: missing closing ): `(a`".
  static Result<Regex> compile(std::string_view pattern);

  bool matches(std::string_view text) const;
  const std::string& pattern() const;
  /// The capturing groups of the first match, 0 the whole; empty when it does not match.
  std::vector<std::string_view> groups(std::string_view text) const;

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> re) : re_(std::move(re)) {}
  std::shared_ptr<const re2::RE2> re_;
};

/// Answers "does this string of the profile match" once per distinct string. The profile must outlive it.
class StringMatcher {
 public:
  StringMatcher(const Profile& p, const Regex& regex) : profile_(p), regex_(regex), known_(p.strings.size(), 0) {}
  bool matches(StringId id);

 private:
  const Profile& profile_;
  const Regex& regex_;
  std::vector<char> known_;  ///< 0 not yet, 1 no, 2 yes
};

/// A pattern that matches this text and nothing else within a line: only characters with a meaning are escaped, so
/// that people can still read it in a command.
std::string quoted_pattern(std::string_view text);

}  // namespace watchfire::profile
