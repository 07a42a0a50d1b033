#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/labels.h"
#include "base/result.h"
#include "profile/sample_types.h"

namespace re2 {
class RE2;
}

namespace watchfire::profile {

/// Which series a query means: `TYPE{label="value",other=~"regex"}`.
///
/// TYPE is one to five parts of a profile type divided by colons; parts left out match anything, and an empty
/// TYPE every type. Matchers are = != =~ !~, regular expressions are RE2 and match the whole value. A missing
/// label is "". Immutable once parsed; cheap to copy; safe to share between threads.
class Selector {
 public:
  enum class Op { kEqual, kNotEqual, kMatches, kNotMatches };

  struct Matcher {
    std::string name;
    Op op = Op::kEqual;
    std::string value;
    std::shared_ptr<const re2::RE2> regex;  ///< set for the two regular-expression operators
    bool matches(std::string_view label_value) const;
  };

  /// Selects every series.
  Selector() = default;

  /// Errors are kInvalidArgument with `position.column` at the character that is wrong (line 1).
  static Result<Selector> parse(std::string_view text);
  /// The selector of one service's one profile type.
  static Selector of_service(std::string_view type, std::string_view service);

  bool matches(const Labels& labels, const ProfileType& type) const;
  /// True when a matcher names this label.
  bool names_label(std::string_view label) const;
  const std::vector<Matcher>& matchers() const { return matchers_; }
  /// The canonical text; parse(text()) gives the same selector.
  std::string text() const;

  void add_matcher(std::string name, Op op, std::string value);

 private:
  std::vector<std::string> type_parts_;  ///< as written, "" matches anything
  std::vector<Matcher> matchers_;
};

}  // namespace watchfire::profile
