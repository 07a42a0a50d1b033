#include "converters/folded/decode.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/counters.h"
#include "converters/legacy/text_lines.h"
#include "converters/profile_builder.h"
#include "profile/wrapping.h"

namespace watchfire::converters {
namespace {

constexpr size_t kMaxNumber = 40;

struct FoldedLine {
  std::string_view stack;
  int64_t count = 0;
};

/// "123", "-123" or "12.5".
bool parse_count(std::string_view text, int64_t& count) {
  if (text.size() > kMaxNumber || text.empty()) return false;
  if (parse_go_int(text, 10, count)) return text[0] != '+';
  size_t digits = 0;
  size_t points = 0;
  for (size_t i = text[0] == '-' ? 1 : 0; i < text.size(); ++i) {
    digits += text[i] >= '0' && text[i] <= '9';
    points += text[i] == '.';
    if ((text[i] < '0' || text[i] > '9') && text[i] != '.') return false;
  }
  if (digits == 0 || points != 1) return false;
  count = profile::truncated(std::round(std::strtod(std::string(text).c_str(), nullptr)));
  return true;
}

/// Splits "stack count" at the last blank; false when there is no count. The stack may be empty.
bool split_count(std::string_view line, FoldedLine& out) {
  size_t blank = line.find_last_of(" \t");
  if (blank == std::string_view::npos || !parse_count(line.substr(blank + 1), out.count)) return false;
  out.stack = trim_space(line.substr(0, blank));
  return !out.stack.empty();
}

/// Calls `take` for each line that is not empty; the last one may lack its end.
template <typename Take>
Status for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = trim_space(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty()) WF_TRY(take(line));
  }
  return {};
}

/// What kind of file it is, found before anything is built.
struct Survey {
  uint64_t lines = 0;
  uint64_t counted = 0;
  uint64_t twice_counted = 0;
  bool has_cut_line = false;
};

Survey survey(std::string_view bytes) {
  Survey s;
  bool last_is_counted = true;
  (void)for_each_line(bytes, [&](std::string_view line) -> Status {
    FoldedLine once;
    FoldedLine twice;
    last_is_counted = split_count(line, once);
    ++s.lines;
    s.counted += last_is_counted;
    s.twice_counted += last_is_counted && split_count(once.stack, twice);
    return {};
  });
  s.has_cut_line = !last_is_counted && !bytes.ends_with('\n');
  return s;
}

class FoldedDecoder {
 public:
  FoldedDecoder(const DecodeLimits& limits, bool is_difference)
      : limits_(limits), builder_(limits), is_difference_(is_difference) {}

  Result<profile::Profile> run(std::string_view bytes) {
    if (is_difference_) WF_TRY(builder_.add_sample_type("before", "count"));
    WF_TRY(builder_.add_sample_type("samples", "count"));
    WF_TRY(for_each_line(bytes, [&](std::string_view line) { return add_line(line); }));
    return builder_.finish();
  }

  Status add_remarks(const Survey& s) {
    if (s.counted < s.lines) {
      count_lost("folded_lines", "no_count", s.lines - s.counted);
      WF_TRY(builder_.comment("folded: " + std::to_string(s.lines - s.counted) + " lines without a count left out"));
    }
    return s.has_cut_line ? builder_.comment("folded: the text ends within a line") : Status{};
  }

 private:
  Status add_line(std::string_view text) {
    FoldedLine after;
    FoldedLine before;
    if (!split_count(text, after)) return {};
    if (is_difference_) split_count(after.stack, before);
    WF_TRY(read_stack(is_difference_ ? before.stack : after.stack));
    WF_ASSIGN(uint32_t row, builder_.sample(stack_, {}));
    if (is_difference_) builder_.add(row, 0, before.count);
    builder_.add(row, is_difference_ ? 1 : 0, after.count);
    return {};
  }

  Status read_stack(std::string_view text) {
    stack_.clear();
    for (bool more = true; more;) {
      size_t end = text.find(';');
      more = end != std::string_view::npos;
      std::string_view name = trim_space(text.substr(0, end));
      if (more) text.remove_prefix(end + 1);
      if (name.empty()) continue;
      if (stack_.size() >= limits_.stack_depth) {
        return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
      }
      WF_ASSIGN(uint32_t location, builder_.named_location(name));
      stack_.push_back(location);
    }
    std::ranges::reverse(stack_);
    return {};
  }

  const DecodeLimits& limits_;
  ProfileBuilder builder_;
  bool is_difference_;
  std::vector<uint32_t> stack_;
};

}  // namespace

Result<profile::Profile> decode_folded(std::string_view bytes, const DecodeLimits& limits) {
  Survey s = survey(bytes);
  if (s.counted == 0 || s.counted * 2 < s.lines) {
    return fail(ErrorCode::kUnsupported, "not folded stacks: no line \"frame;frame count\"");
  }
  FoldedDecoder decoder(limits, s.twice_counted == s.counted);
  WF_TRY(decoder.add_remarks(s));
  return decoder.run(bytes);
}

}  // namespace watchfire::converters
