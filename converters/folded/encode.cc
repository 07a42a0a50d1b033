#include "converters/folded/encode.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/untrusted_text.h"
#include "converters/frame_names.h"
#include "profile/wrapping.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

/// What stacks of names weigh before and after.
struct FoldedStacks {
  size_t max_bytes;
  size_t bytes = 0;
  std::map<std::string, std::array<int64_t, 2>> counts;

  void add(std::string stack, size_t side, int64_t count) {
    auto it = counts.find(stack);
    if (it == counts.end()) {
      bytes += stack.size();
      it = counts.try_emplace(bytes > max_bytes ? "[other stacks]" : std::move(stack)).first;
    }
    it->second[side] = profile::wrapping_add(it->second[side], count);
  }
};

std::string folded_name(const std::string& name) {
  std::string out = escape_terminal(name);
  std::ranges::replace(out, ';', ':');
  return out;
}

void add_stacks(const Profile& p, size_t column, size_t side, FoldedStacks& stacks) {
  std::vector<int64_t> sums(p.stacks.size());
  for (size_t i = 0; i < p.sample_count(); ++i) {
    int64_t& sum = sums[p.sample_stacks[i]];
    sum = profile::wrapping_add(sum, p.values[column][i]);
  }
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    if (sums[s] == 0) continue;
    std::string text;
    for (const std::string& name : stack_names(p, p.stacks[s], SIZE_MAX)) {
      if (!text.empty()) text += ';';
      text += folded_name(name);
    }
    if (text.empty()) text = "[unknown]";
    stacks.add(std::move(text), side, sums[s]);
  }
}

}  // namespace

std::string encode_folded(const Profile& p, size_t column, size_t max_bytes) {
  FoldedStacks stacks{max_bytes};
  add_stacks(p, column, 0, stacks);
  std::string out;
  for (const auto& [stack, counts] : stacks.counts) {
    if (counts[0] != 0) out += stack + " " + std::to_string(counts[0]) + "\n";
  }
  return out;
}

std::string encode_folded_difference(const Profile& before, size_t before_column, const Profile& after,
                                     size_t after_column, size_t max_bytes) {
  FoldedStacks stacks{max_bytes};
  add_stacks(before, before_column, 0, stacks);
  add_stacks(after, after_column, 1, stacks);
  std::string out;
  for (const auto& [stack, counts] : stacks.counts) {
    out += stack + " " + std::to_string(counts[0]) + " " + std::to_string(counts[1]) + "\n";
  }
  return out;
}

}  // namespace watchfire::converters
