#include "converters/legacy/parsers.h"
#include "profile/regex.h"

namespace watchfire::converters {
namespace {

using profile::Regex;

struct Patterns {
  Regex count_header = *Regex::compile(R"(\A(\S+) profile: total \d+\z)");
  Regex count_sample = *Regex::compile(R"(\A(\d+) @(( 0x[0-9a-f]+)+)\z)");
  Regex threadz = *Regex::compile(R"(--- threadz \d+ ---)");
  Regex thread = *Regex::compile(R"(--- Thread ([[:xdigit:]]+) \(name: (.*)/(\d+)\) stack: ---)");
};

const Patterns& patterns() {
  static const Patterns p;
  return p;
}

profile::Profile finish_counts(LegacyDraft& draft, std::string_view type) {
  const std::pair<std::string_view, std::string_view> types[] = {{type, "count"}};
  profile::Profile p = draft.finish(types);
  p.period = 1;
  p.period_type = p.sample_types[0];
  return p;
}

/// Goes to the first line that is neither empty nor a comment.
void skip_comments(LineReader& lines) {
  while (lines.next() && is_space_or_comment(lines.line())) {
  }
}

/// The addresses of one thread, up to the line that starts the next one. None: the same stack as the thread before.
Result<std::vector<uint64_t>> parse_thread_stack(LineReader& lines) {
  std::vector<uint64_t> addresses;
  bool same = false;
  while (lines.next()) {
    std::string_view line = trim_space(lines.line());
    if (line.empty()) continue;
    if (line.starts_with("---")) break;
    if (line.find("same as previous thread") != std::string_view::npos) {
      same = true;
      continue;
    }
    WF_ASSIGN(std::vector<uint64_t> more, parse_hex_addresses(line));
    addresses.insert(addresses.end(), more.begin(), more.end());
  }
  WF_TRY(lines.status());
  if (same) addresses.clear();
  return addresses;
}

}  // namespace

Result<profile::Profile> parse_go_count(std::string_view bytes, const DecodeLimits& limits) {
  LineReader lines(bytes);
  skip_comments(lines);
  WF_TRY(lines.status());
  auto header = patterns().count_header.groups(lines.line());
  if (header.empty()) return unrecognized();
  LegacyDraft draft(limits, 1);
  while (lines.next()) {
    std::string_view line = lines.line();
    if (is_space_or_comment(line)) continue;
    if (line.starts_with("---")) break;
    auto g = patterns().count_sample.groups(line);
    int64_t count = 0;
    if (g.empty() || !parse_go_int(g[1], 0, count)) return malformed_sample(line);
    WF_ASSIGN(std::vector<uint64_t> addresses, parse_hex_addresses(g[2]));
    WF_TRY(draft.begin_sample(std::span(&count, 1)));
    for (uint64_t address : addresses) WF_TRY(draft.add_frame(address - 1));
  }
  WF_TRY(lines.status());
  WF_TRY(apply_additional_sections(lines, draft));
  return finish_counts(draft, header[1]);
}

Result<profile::Profile> parse_threadz(std::string_view bytes, const DecodeLimits& limits) {
  LineReader lines(bytes);
  skip_comments(lines);
  std::string_view line = lines.line();
  if (!patterns().threadz.groups(line).empty()) {
    while (lines.next()) {
      line = lines.line();
      if (is_memory_map_start(line) || line.starts_with('-')) break;
    }
  } else if (patterns().thread.groups(line).empty()) {
    return unrecognized();
  }
  LegacyDraft draft(limits, 1);
  while (!is_memory_map_start(line) && !line.starts_with("---- no stack trace for")) {
    if (patterns().thread.groups(line).empty()) return unrecognized();
    WF_ASSIGN(std::vector<uint64_t> addresses, parse_thread_stack(lines));
    line = trim_space(lines.line());
    if (addresses.empty()) {
      if (draft.sample_count() > 0) ++draft.value(draft.sample_count() - 1, 0);
      continue;
    }
    int64_t one = 1;
    WF_TRY(draft.begin_sample(std::span(&one, 1)));
    for (size_t i = 0; i < addresses.size(); ++i) WF_TRY(draft.add_frame(addresses[i] - (i > 0 ? 1 : 0)));
  }
  WF_TRY(apply_additional_sections(lines, draft));
  draft.remove_duplicate_leaves();
  return finish_counts(draft, "thread");
}

}  // namespace watchfire::converters
