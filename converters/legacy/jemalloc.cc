#include <algorithm>

#include "converters/legacy/parsers.h"
#include "profile/sample_edit.h"

namespace watchfire::converters {
namespace {

constexpr std::string_view kMagic = "heap_v2/";

/// "t3: 20: 1311120 [0: 0]": what a thread holds, or "t*" all of them, and what was ever allocated where that is kept.
struct ThreadLine {
  std::string_view thread;  ///< "3", or "*"
  int64_t counts[4] = {};   ///< objects and bytes in use, then allocated ever
};

/// Takes "NUMBER" and what stands behind it up to the next number off the text.
bool take_number(std::string_view& text, std::string_view behind, int64_t& value) {
  size_t end = text.find_first_not_of("0123456789");
  if (end == 0 || end == std::string_view::npos || !parse_go_int(text.substr(0, end), 10, value)) return false;
  text = trim_space(text.substr(end));
  if (!text.starts_with(behind)) return false;
  text = trim_space(text.substr(behind.size()));
  return true;
}

bool parse_thread(std::string_view line, ThreadLine& out) {
  std::string_view text = trim_space(line);
  size_t colon = text.find(':');
  if (!text.starts_with('t') || colon == std::string_view::npos) return false;
  out.thread = text.substr(1, colon - 1);
  text = trim_space(text.substr(colon + 1));
  return take_number(text, ":", out.counts[0]) && take_number(text, "[", out.counts[1]) &&
         take_number(text, ":", out.counts[2]) && take_number(text, "]", out.counts[3]) && text.empty();
}

/// Cuts the allocator's own frames off the leaves. Its library is often stripped, so that no name tells them; a stack
/// of nothing else stays.
void cut_allocator(profile::Profile& p) {
  auto is_allocator = [&](uint32_t location) {
    uint32_t mapping = p.locations[location].mapping;
    if (mapping == profile::kNone) return false;
    std::string_view file = p.text(p.mappings[mapping].file);
    return file.substr(file.rfind('/') + 1).starts_with("libjemalloc");
  };
  profile::SpanTable<uint32_t> stacks;
  std::vector<uint32_t> replacement;
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    auto stack = p.stacks[s];
    auto caller = std::ranges::find_if_not(stack, is_allocator);
    if (caller == stack.end()) caller = stack.begin();
    replacement.push_back(stacks.intern({caller, stack.end()}));
  }
  profile::replace_stacks(p, std::move(stacks), replacement);
}

class JemallocParser {
 public:
  JemallocParser(const DecodeLimits& limits, int64_t rate, bool has_alloc)
      : draft_(limits, has_alloc ? 4 : 2), rate_(rate), has_alloc_(has_alloc) {}

  /// `lines` stands on the first stack's line.
  Result<profile::Profile> run(LineReader& lines) {
    do {
      WF_TRY(read_line(lines.line()));
    } while (!is_memory_map_start(lines.line()) && lines.next());
    WF_TRY(lines.status());
    WF_TRY(add_total());
    WF_TRY(apply_additional_sections(lines, draft_));
    using Types = std::vector<std::pair<std::string_view, std::string_view>>;
    Types types = {{"objects", "count"}, {"space", "bytes"}};
    if (has_alloc_) {
      types = {
          {"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}};
    }
    profile::Profile p = draft_.finish(types);
    cut_allocator(p);
    p.period = rate_;
    p.period_type = {p.strings.intern("space"), p.strings.intern("bytes")};
    return p;
  }

 private:
  Status read_line(std::string_view line) {
    if (is_memory_map_start(line) || is_space_or_comment(line)) return {};
    if (line.starts_with('@')) {
      WF_TRY(add_total());
      WF_ASSIGN(stack_, parse_hex_addresses(line));
      return {};
    }
    ThreadLine t;
    if (!parse_thread(line, t)) return malformed_sample(line);
    if (t.thread != "*") {
      has_total_ = false;
      return add_sample(t);
    }
    total_ = t;
    has_total_ = true;
    return {};
  }

  /// The sum of a stack's threads is a sample only where they are not told apart.
  Status add_total() { return std::exchange(has_total_, false) ? add_sample(total_) : Status{}; }

  Status add_sample(const ThreadLine& t) {
    int64_t values[4] = {t.counts[2], t.counts[3], t.counts[0], t.counts[1]};
    int64_t block = t.counts[0] != 0 ? t.counts[1] / t.counts[0] : t.counts[2] != 0 ? t.counts[3] / t.counts[2] : 0;
    unsample_heap(values[0], values[1], rate_);
    unsample_heap(values[2], values[3], rate_);
    WF_TRY(draft_.begin_sample(std::span(values).subspan(has_alloc_ ? 0 : 2)));
    draft_.set_bytes_label(block);
    if (t.thread != "*") draft_.set_thread_label(t.thread);
    for (uint64_t address : stack_) WF_TRY(draft_.add_frame(address - 1));
    return {};
  }

  LegacyDraft draft_;
  int64_t rate_;
  bool has_alloc_;
  std::vector<uint64_t> stack_;
  ThreadLine total_;
  bool has_total_ = false;
};

}  // namespace

Result<profile::Profile> parse_jemalloc(std::string_view bytes, const DecodeLimits& limits) {
  LineReader lines(bytes);
  int64_t rate = 0;
  if (!lines.next() || !lines.line().starts_with(kMagic) ||
      !parse_go_int(trim_space(lines.line().substr(kMagic.size())), 10, rate)) {
    return unrecognized();
  }
  // Totals of the whole process and its threads, up to the first stack.
  ThreadLine total;
  bool has_alloc = false;
  while (lines.next() && !lines.line().starts_with('@') && !is_memory_map_start(lines.line())) {
    if (is_space_or_comment(lines.line())) continue;
    if (!parse_thread(lines.line(), total)) return malformed_sample(lines.line());
    has_alloc = has_alloc || total.counts[2] != 0 || total.counts[3] != 0;
  }
  return JemallocParser(limits, rate, has_alloc).run(lines);
}

}  // namespace watchfire::converters
