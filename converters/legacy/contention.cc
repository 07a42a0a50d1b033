#include "converters/legacy/parsers.h"
#include "profile/regex.h"
#include "profile/sample_edit.h"

namespace watchfire::converters {
namespace {

struct Header {
  int64_t cpu_hz = 0;
  int64_t period = 1;
  int64_t duration_ms = 0;
};

/// The "key = value" lines; stops at the first line that is none.
Result<Header> parse_header(LineReader& lines) {
  Header h;
  while (lines.next()) {
    std::string_view line = trim_space(lines.line());
    if (is_space_or_comment(line)) continue;
    size_t equals = line.find('=');
    if (line.starts_with("---") || equals == std::string_view::npos) break;
    std::string_view key = trim_space(line.substr(0, equals));
    std::string_view value = trim_space(line.substr(equals + 1));
    int64_t* target = key == "cycles/second"     ? &h.cpu_hz
                      : key == "sampling period" ? &h.period
                      : key == "ms since reset"  ? &h.duration_ms
                                                 : nullptr;
    if (key == "discarded samples") continue;
    if (target == nullptr || !parse_go_int(value, 0, *target)) return unrecognized();
  }
  WF_TRY(lines.status());
  return h;
}

Status parse_sample(std::string_view line, const Header& h, LegacyDraft& draft) {
  static const profile::Regex pattern = *profile::Regex::compile(R"((\d+) *(\d+) @([ x0-9a-f]*))");
  auto g = pattern.groups(line);
  if (g.empty()) return unrecognized();
  int64_t delay = 0;
  int64_t count = 0;
  if (!parse_go_int(g[1], 10, delay) || !parse_go_int(g[2], 10, count)) return malformed_sample(line);
  if (h.period > 0) {
    if (h.cpu_hz > 0) {
      double cycles = static_cast<double>(delay) * static_cast<double>(h.period);
      delay = profile::truncated(cycles / (static_cast<double>(h.cpu_hz) / 1e9));
    }
    count = static_cast<int64_t>(static_cast<uint64_t>(count) * static_cast<uint64_t>(h.period));
  }
  WF_ASSIGN(std::vector<uint64_t> addresses, parse_hex_addresses(g[3]));
  int64_t values[] = {count, delay};
  WF_TRY(draft.begin_sample(values));
  for (uint64_t address : addresses) WF_TRY(draft.add_frame(address - 1));
  return {};
}

}  // namespace

Result<profile::Profile> parse_contention(std::string_view bytes, const DecodeLimits& limits) {
  LineReader lines(bytes);
  if (!lines.next()) return unrecognized();
  std::string_view first = lines.line();
  if (!first.starts_with("--- contentionz ") && !first.starts_with("--- mutex:") &&
      !first.starts_with("--- contention:")) {
    return unrecognized();
  }
  WF_ASSIGN(Header header, parse_header(lines));
  LegacyDraft draft(limits, 2);
  do {
    std::string_view line = trim_space(lines.line());
    if (line.starts_with("---")) break;
    if (!is_space_or_comment(line)) WF_TRY(parse_sample(line, header, draft));
  } while (lines.next());
  WF_TRY(lines.status());
  WF_TRY(apply_additional_sections(lines, draft));
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"contentions", "count"},
                                                                      {"delay", "nanoseconds"}};
  profile::Profile p = draft.finish(kTypes);
  p.period = header.period;
  p.period_type = p.sample_types[0];
  p.duration_ns = static_cast<int64_t>(static_cast<uint64_t>(header.duration_ms) * 1'000'000);
  return p;
}

}  // namespace watchfire::converters
