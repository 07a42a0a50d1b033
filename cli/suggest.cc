#include "cli/suggest.h"

#include <algorithm>
#include <vector>

namespace watchfire::cli {
namespace {

constexpr size_t kLongestWord = 64;

std::string_view without_dashes(std::string_view word) {
  return word.substr(std::min(word.find_first_not_of('-'), word.size()));
}

/// How many edits lie between two words.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, std::span<const std::string> names) {
  std::string_view wanted = without_dashes(word);
  if (wanted.empty() || wanted.size() > kLongestWord) return "";
  size_t least = std::max<size_t>(1, wanted.size() / 3) + 1;
  std::string nearest;
  for (const std::string& name : names) {
    std::string_view known = without_dashes(name);
    size_t d = known.size() > kLongestWord ? least : distance(wanted, known);
    if (d >= least || d >= known.size()) continue;
    least = d;
    nearest = name;
  }
  return nearest;
}

}  // namespace watchfire::cli
