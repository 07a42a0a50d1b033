#include <cmath>

#include "converters/legacy/parsers.h"
#include "profile/regex.h"
#include "profile/sample_edit.h"

namespace watchfire::converters {
namespace {

using profile::Regex;

#define WF_HEAP_COUNTS R"(heap profile: *(\d+): *(\d+) *\[ *(\d+): *(\d+) *\])"

struct Patterns {
  Regex heap = *Regex::compile(WF_HEAP_COUNTS R"( *@ *(heap[_a-z0-9]*)/?(\d*))");
  Regex other = *Regex::compile(WF_HEAP_COUNTS R"( @ (?:growthz?|fragmentationz?))");
  Regex sample = *Regex::compile(R"((-?\d+): *(-?\d+) *\[ *(\d+): *(\d+) *] @([ x0-9a-f]*))");
};

#undef WF_HEAP_COUNTS

const Patterns& patterns() {
  static const Patterns p;
  return p;
}

struct Header {
  bool unsample = false;
  bool has_alloc = false;
  int64_t period = 0;
};

Result<Header> parse_header(std::string_view line) {
  Header h;
  auto g = patterns().heap.groups(line);
  if (g.empty()) {
    if (patterns().other.groups(line).empty()) return unrecognized();
    h.period = 1;
    return h;
  }
  if (!g[6].empty() && !parse_go_int(g[6], 10, h.period)) return unrecognized();
  h.has_alloc = (g[3] != g[1] && g[3] != "0") || (g[4] != g[2] && g[4] != "0");
  if (g[5] == "heapz_v2" || g[5] == "heap_v2") {
    h.unsample = true;
  } else if (g[5] == "heapprofile") {
    h.period = 1;
  } else if (g[5] == "heap") {
    h.unsample = true;
    h.period /= 2;
  } else {
    return unrecognized();
  }
  return h;
}

/// One pair of count and size; also what one block of it measures.
Status parse_pair(std::string_view count_text, std::string_view size_text, const Header& h, std::string_view line,
                  std::vector<int64_t>& values, int64_t& block) {
  int64_t count = 0;
  int64_t size = 0;
  if (!parse_go_int(count_text, 10, count) || !parse_go_int(size_text, 10, size)) return malformed_sample(line);
  if (count == 0 && size != 0) return malformed_sample(line);
  if (count != 0) {
    block = count == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(size)) : size / count;
    if (h.unsample) unsample_heap(count, size, h.period);
  }
  values.insert(values.end(), {count, size});
  return {};
}

Status parse_sample(std::string_view line, const Header& h, LegacyDraft& draft) {
  auto g = patterns().sample.groups(line);
  if (g.empty()) return malformed_sample(line);
  std::vector<int64_t> values;
  int64_t block = 0;
  if (h.has_alloc) WF_TRY(parse_pair(g[3], g[4], h, line, values, block));
  WF_TRY(parse_pair(g[1], g[2], h, line, values, block));
  WF_ASSIGN(std::vector<uint64_t> addresses, parse_hex_addresses(g[5]));
  WF_TRY(draft.begin_sample(values));
  draft.set_bytes_label(block);
  for (uint64_t address : addresses) WF_TRY(draft.add_frame(address - 1));
  return {};
}

}  // namespace

void unsample_heap(int64_t& count, int64_t& size, int64_t rate) {
  if (count == 0 || size == 0) {
    count = size = 0;
    return;
  }
  if (rate <= 1) return;
  double average = static_cast<double>(size) / static_cast<double>(count);
  double factor = 1 / (1 - std::exp(-average / static_cast<double>(rate)));
  count = profile::truncated(static_cast<double>(count) * factor);
  size = profile::truncated(static_cast<double>(size) * factor);
}

Result<profile::Profile> parse_heap(std::string_view bytes, const DecodeLimits& limits) {
  LineReader lines(bytes);
  if (!lines.next()) return unrecognized();
  WF_ASSIGN(Header header, parse_header(lines.line()));
  LegacyDraft draft(limits, header.has_alloc ? 4 : 2);
  while (lines.next()) {
    std::string_view line = trim_space(lines.line());
    if (is_space_or_comment(line)) continue;
    if (is_memory_map_start(line)) break;
    WF_TRY(parse_sample(line, header, draft));
  }
  WF_TRY(lines.status());
  WF_TRY(apply_additional_sections(lines, draft));
  using Types = std::vector<std::pair<std::string_view, std::string_view>>;
  Types types = {{"objects", "count"}, {"space", "bytes"}};
  if (header.has_alloc) {
    types = {
        {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
  }
  profile::Profile p = draft.finish(types);
  p.period = header.period;
  p.period_type = {p.strings.intern("space"), p.strings.intern("bytes")};
  return p;
}

}  // namespace watchfire::converters
