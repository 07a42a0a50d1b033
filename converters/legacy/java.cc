#include "converters/legacy/parsers.h"
#include "profile/paths.h"
#include "profile/regex.h"

namespace watchfire::converters {
namespace {

using profile::Regex;

constexpr int64_t kHeapRate = 524288;

struct Patterns {
  Regex attribute = *Regex::compile(R"(([\w ]+)=([\w ]+))");
  Regex sample = *Regex::compile(R"( *(\d+) +(\d+) +@ +([ x0-9a-f]*))");
  Regex location = *Regex::compile(R"(^\s*0x([[:xdigit:]]+)\s+(.*)\s*$)");
  Regex file_line = *Regex::compile(R"(^(.*)\s+\((.+):(-?[[:digit:]]+)\)$)");
  Regex path = *Regex::compile(R"(^(.*)\s+\((.*)\)$)");
};

const Patterns& patterns() {
  static const Patterns p;
  return p;
}

/// The whole lines of a text; what follows the last '\n' is none.
class WholeLines {
 public:
  explicit WholeLines(std::string_view text) : rest_(text) {}
  bool peek(std::string_view& line) const {
    size_t end = rest_.find('\n');
    if (end == std::string_view::npos) return false;
    line = trim_space(rest_.substr(0, end));
    return true;
  }
  void advance() { rest_.remove_prefix(rest_.find('\n') + 1); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Header {
  bool heap = false;
  std::string unit;
  bool has_types = false;
  bool has_period_type = false;
  int64_t period = 0;
  int64_t duration_ms = 0;
};

Status parse_header(WholeLines& lines, Header& h) {
  std::string_view line;
  for (; lines.peek(line); lines.advance()) {
    if (line.empty()) continue;
    auto g = patterns().attribute.groups(line);
    if (g.empty()) return {};
    std::string_view key = trim_space(g[1]);
    std::string_view value = trim_space(g[2]);
    if (key == "format") {
      if (value != "java") return unrecognized();
    } else if (key == "resolution") {
      h.unit = value;
      h.has_types = true;
    } else if (!h.heap && (key == "sampling period" || key == "ms since reset")) {
      bool is_period = key == "sampling period";
      h.has_period_type = h.has_period_type || is_period;
      if (!parse_go_int(value, 0, is_period ? h.period : h.duration_ms)) {
        return fail(ErrorCode::kCorrupt, "failed to parse attribute " + std::string(line.substr(0, 200)));
      }
    } else {
      return unrecognized();
    }
  }
  return {};
}

Status parse_sample(std::string_view line, const Header& h, LegacyDraft& draft, bool& matched) {
  auto g = patterns().sample.groups(line);
  matched = !g.empty();
  if (!matched) return {};
  int64_t count = 0;
  int64_t amount = 0;
  if (!parse_go_int(g[2], 0, count) || !parse_go_int(g[1], 0, amount)) return malformed_sample(line);
  WF_ASSIGN(std::vector<uint64_t> addresses, parse_hex_addresses(g[3]));
  int64_t block = 0;
  if (h.heap) {
    if (count == 0) return malformed_sample(line);
    block = amount / count;
    unsample_heap(count, amount, kHeapRate);
  } else if (h.period != 0) {
    count = static_cast<int64_t>(static_cast<uint64_t>(count) * static_cast<uint64_t>(h.period));
    amount = static_cast<int64_t>(static_cast<uint64_t>(amount) * static_cast<uint64_t>(h.period));
  }
  int64_t values[] = {count, amount};
  WF_TRY(draft.begin_sample(values));
  if (h.heap) draft.set_bytes_label(block);
  for (uint64_t address : addresses) WF_TRY(draft.add_frame(address));
  return {};
}

}  // namespace

Status name_java_locations(std::string_view text, LegacyDraft& draft) {
  LineReader lines(text);
  while (lines.next()) {
    auto g = patterns().location.groups(trim_space(lines.line()));
    if (g.empty()) continue;
    uint64_t address = 0;
    if (!parse_go_uint(g[1], 16, address)) return malformed_sample(lines.line());
    std::string_view what = g[2];
    int64_t number = 0;
    if (auto f = patterns().file_line.groups(what); !f.empty()) {
      if (!parse_go_int(f[3], 10, number) || number < 0) number = 0;
      draft.name_location(address, f[1], f[2], number);
    } else if (auto p = patterns().path.groups(what); !p.empty()) {
      draft.name_location(address, p[1], profile::base_name(p[2]), 0);
    } else if (what.find("generated stub/JIT") != std::string_view::npos) {
      draft.name_location(address, "STUB", "", 0);
    } else {
      draft.name_location(address, what, "", 0);
    }
  }
  WF_TRY(lines.status());
  return draft.apply_mappings({});
}

Result<profile::Profile> parse_java(std::string_view bytes, const DecodeLimits& limits) {
  WholeLines lines(bytes);
  std::string_view line;
  if (!lines.peek(line)) return unrecognized();
  Header header;
  header.heap = line == "--- heapz 1 ---";
  if (!header.heap && line != "--- contentionz 1 ---") return unrecognized();
  lines.advance();
  WF_TRY(parse_header(lines, header));
  LegacyDraft draft(limits, 2);
  for (bool matched = true; lines.peek(line); lines.advance()) {
    if (line.empty()) continue;
    WF_TRY(parse_sample(line, header, draft, matched));
    if (!matched) break;
  }
  WF_TRY(name_java_locations(lines.rest(), draft));
  draft.drop_addresses();
  if (!header.has_types) return fail(ErrorCode::kCorrupt, "missing sample type information");
  const std::pair<std::string_view, std::string_view> types[] = {
      {header.heap ? "inuse_objects" : "contentions", "count"}, {header.heap ? "inuse_space" : "delay", header.unit}};
  profile::Profile p = draft.finish(types);
  p.period = header.period;
  if (header.has_period_type) p.period_type = p.sample_types[0];
  p.duration_ns = static_cast<int64_t>(static_cast<uint64_t>(header.duration_ms) * 1'000'000);
  return p;
}

}  // namespace watchfire::converters
