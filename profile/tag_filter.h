#pragma once

#include <functional>
#include <string>
#include <vector>

#include "profile/filter.h"
#include "profile/regex.h"

namespace watchfire::profile {

/// tagfocus or tagignore: a range of a numeric label ("4kb:", "bytes=1mb:2mb") or regular expressions on string
/// labels ("key=a,b": any of them on that key's values; "a,b": all of them on "key:value").
class TagFilter {
 public:
  static Result<TagFilter> compile(std::string_view option, std::string_view text, const LabelUnits& units,
                                   std::vector<std::string>& notes);
  bool active() const { return static_cast<bool>(matches_); }
  bool matches(const Profile& p, uint32_t label_set) const { return matches_(p, p.label_sets[label_set]); }

 private:
  std::function<bool(const Profile&, std::span<const Label>)> matches_;
};

/// Whether any sample was focused (shown) and any ignored (hidden).
struct TagMatches {
  bool focused = false;
  bool ignored = false;
};

/// Keeps the samples that `focus` selects and `ignore` does not.
TagMatches filter_samples_by_tag(Profile& p, const TagFilter& focus, const TagFilter& ignore);

/// Removes the labels whose key `show` does not match or `hide` matches; nullptr: no such filter.
TagMatches filter_tags_by_name(Profile& p, const Regex* show, const Regex* hide);

}  // namespace watchfire::profile
