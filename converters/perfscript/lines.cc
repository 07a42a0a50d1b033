#include "converters/perfscript/lines.h"

#include <algorithm>
#include <charconv>

#include "converters/legacy/text_lines.h"
#include "profile/regex.h"

namespace watchfire::converters {
namespace {

using profile::Regex;

// The name of a thread may hold blanks and digits, so that the shortest one is taken that leaves the rest intact.
const Regex& header_pattern() {
  static const Regex re = *Regex::compile(
      R"(^\s*(\S.*?)\s+(-?\d{1,10})(?:/(\d{1,10}))?\s+(?:\[(\d+)\]\s+)?(?:[KUHGgMESp]{1,2}\s+)?(?:(\d{1,12})\.(\d{1,9}):\s+)?)"
      R"((?:(\d{1,20})\s+)?(\S+):(?:\s+(.*))?$)");
  return re;
}

int64_t number(std::string_view text) {
  int64_t value = -1;
  return parse_go_int(text, 10, value) ? value : -1;
}

int64_t nanoseconds(std::string_view seconds, std::string_view fraction) {
  constexpr int64_t kMostSeconds = 9'000'000'000;  // what int64 nanoseconds can hold
  int64_t whole = number(seconds);
  if (whole < 0 || whole > kMostSeconds || fraction.size() > 9) return -1;
  int64_t part = fraction.empty() ? 0 : number(fraction);
  if (part < 0) return -1;
  for (size_t i = fraction.size(); i < 9; ++i) part *= 10;
  return whole * 1'000'000'000 + part;
}

/// Where the parenthesis opens that the last character closes; npos when it closes none.
size_t opening_of_last(std::string_view text) {
  if (!text.ends_with(')')) return std::string_view::npos;
  int depth = 0;
  for (size_t i = text.size(); i-- > 0;) {
    if (text[i] == ')') ++depth;
    if (text[i] == '(' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

/// A name without the offset from its start.
std::string_view without_offset(std::string_view symbol) {
  size_t plus = symbol.rfind("+0x");
  if (plus == std::string_view::npos || plus == 0) return symbol;
  bool is_offset = symbol.find_first_not_of("0123456789abcdef", plus + 3) == std::string_view::npos;
  return is_offset ? symbol.substr(0, plus) : symbol;
}

std::string_view known(std::string_view name) {
  return name == "[unknown]" || name == "unknown" ? std::string_view{} : name;
}

}  // namespace

std::optional<PerfHeaderLine> parse_perf_header(std::string_view line) {
  auto g = header_pattern().groups(line);
  // No event's name begins like that, but the state of a thread in other tools' dumps of stacks does.
  if (g.empty() || g[8].starts_with('[') || g[8].starts_with('(')) return {};
  PerfHeaderLine h{.comm = g[1], .event = g[8], .rest = g[9]};
  h.pid = number(g[2]);
  h.tid = g[3].empty() ? h.pid : number(g[3]);
  // A number alone is the thread's, and the process's only where the two are the same; perf says no more.
  h.time_ns = nanoseconds(g[5], g[6]);
  if (!g[7].empty() && !parse_go_uint(g[7], 10, h.period)) return {};
  return h;
}

std::optional<PerfFrameLine> parse_perf_frame(std::string_view line, FileOfFrame needed) {
  std::string_view text = trim_space(line);
  PerfFrameLine f;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), f.address, 16);
  if (error != std::errc() || end == text.data() + text.size() || (*end != ' ' && *end != '\t')) return {};
  text = trim_space(text.substr(static_cast<size_t>(end - text.data())));
  size_t open = opening_of_last(text);
  if (open == std::string_view::npos || (open != 0 && text[open - 1] != ' ')) {
    bool is_cut = std::ranges::count(text, '(') != std::ranges::count(text, ')');
    if (needed == FileOfFrame::kNeeded || is_cut) return {};
    f.symbol = known(without_offset(text));
    return f;
  }
  std::string_view file = text.substr(open + 1, text.size() - open - 2);
  f.is_inlined = file == "inlined";
  f.file = f.is_inlined ? std::string_view{} : known(file);
  f.symbol = known(without_offset(trim_space(text.substr(0, open))));
  return f;
}

}  // namespace watchfire::converters
