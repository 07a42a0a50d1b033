#include "converters/perfscript/decode.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/counters.h"
#include "converters/legacy/text_lines.h"
#include "converters/perfscript/lines.h"
#include "converters/profile_builder.h"

namespace watchfire::converters {
namespace {

using profile::kNone;
using profile::Label;
using profile::Line;

/// perf's own remarks at the top that are worth keeping: what is printed before the value, and the comment's name.
constexpr std::pair<std::string_view, std::string_view> kHeaderRemarks[] = {
    {"# perf version :", "perf-version:"}, {"# cmdline :", "perf-command:"}, {"# hostname :", "perf-hostname:"}};

class PerfScriptDecoder {
 public:
  PerfScriptDecoder(std::string_view bytes, const DecodeLimits& limits)
      : limits_(limits), is_ended_(bytes.ends_with('\n')), lines_(bytes), builder_(limits) {}

  Result<profile::Profile> run() {
    while (lines_.next()) {
      WF_TRY(read_line(lines_.line()));
      if (samples_ == 0 && not_understood_ > kMaxLinesBefore) break;
    }
    WF_TRY(lines_.status());
    WF_TRY(end_sample());
    if (samples_ == 0) return fail(ErrorCode::kUnsupported, "not the output of perf script: no line starts a sample");
    WF_TRY(add_remarks());
    profile::Profile p = builder_.finish();
    p.default_sample_type = p.sample_types[1].type;
    if (last_ns_ > first_ns_) p.duration_ns = last_ns_ - first_ns_;
    return p;
  }

 private:
  static constexpr uint64_t kMaxLinesBefore = 20;
  struct Event {
    uint32_t samples = 0;  ///< column
    uint32_t weight = 0;   ///< column
  };

  Status read_line(std::string_view line) {
    if (line.starts_with('#')) return read_remark(line);
    if (trim_space(line).empty()) return end_sample();
    last_is_understood_ = true;
    if (has_header_ && line.starts_with('\t')) return read_frame(line);
    if (auto h = parse_perf_header(line)) return begin_sample(*h);
    if (has_header_ && line.starts_with(' ')) return read_frame(line);
    return not_understood();
  }

  Status read_remark(std::string_view line) {
    for (auto [prefix, name] : kHeaderRemarks) {
      if (!line.starts_with(prefix)) continue;
      WF_TRY(builder_.comment(std::string(name) + std::string(trim_space(line.substr(prefix.size())))));
    }
    return {};
  }

  Status begin_sample(const PerfHeaderLine& h) {
    WF_TRY(end_sample());
    if (h.event.starts_with("PERF_RECORD_") || h.rest.starts_with("PERF_RECORD_")) {
      ++other_records_;
      return {};
    }
    has_header_ = true;
    header_ = h;
    return {};
  }

  Status read_frame(std::string_view line) {
    auto f = parse_perf_frame(line);
    if (!f) return not_understood();
    last_is_understood_ = line.ends_with(')');  // a name alone may go on
    if (frames_.size() >= limits_.stack_depth) {
      return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
    }
    frames_.push_back(*f);
    return {};
  }

  Status end_sample() {
    if (!has_header_) return {};
    has_header_ = false;
    if (frames_.empty()) {
      if (auto f = parse_perf_frame(header_.rest, FileOfFrame::kNeeded)) frames_.push_back(*f);
    }
    WF_TRY(build_stack());
    frames_.clear();
    WF_TRY(build_labels());
    WF_ASSIGN(Event event, event_of(header_.event));
    WF_ASSIGN(uint32_t row, builder_.sample(stack_, labels_));
    builder_.add(row, event.samples, 1);
    builder_.add(row, event.weight, static_cast<int64_t>(std::min<uint64_t>(header_.period, INT64_MAX)));
    ++samples_;
    if (header_.time_ns < 0) return {};
    first_ns_ = samples_ == 1 ? header_.time_ns : std::min(first_ns_, header_.time_ns);
    last_ns_ = std::max(last_ns_, header_.time_ns);
    return {};
  }

  // Frames inlined at one address stand before the function that holds it, with its address.
  Status build_stack() {
    stack_.clear();
    std::vector<Line> lines;
    for (size_t i = 0; i < frames_.size(); ++i) {
      const PerfFrameLine& f = frames_[i];
      if (!f.symbol.empty()) {
        WF_ASSIGN(uint32_t function, builder_.function(f.symbol));
        lines.push_back({.function = function});
      }
      if (f.is_inlined && i + 1 < frames_.size() && frames_[i + 1].address == f.address) continue;
      WF_ASSIGN(uint32_t mapping, mapping_of(f.file));
      WF_ASSIGN(uint32_t location, builder_.location(mapping, f.address, lines));
      stack_.push_back(location);
      lines.clear();
    }
    return {};
  }

  Result<uint32_t> mapping_of(std::string_view file) {
    if (file.empty()) return kNone;
    profile::Mapping m{.limit = UINT64_MAX, .has_functions = true};
    WF_ASSIGN(m.file, builder_.text(file));
    return builder_.mapping(m);
  }

  Status build_labels() {
    labels_.clear();
    WF_TRY(add_label("comm", header_.comm));
    WF_TRY(add_label("pid", header_.pid));
    return add_label("tid", header_.tid);
  }
  Status add_label(std::string_view key, std::string_view value) {
    Label l;
    WF_ASSIGN(l.key, builder_.text(key));
    WF_ASSIGN(l.str, builder_.text(value));
    labels_.push_back(l);
    return {};
  }
  Status add_label(std::string_view key, int64_t value) {
    Label l{.num = value, .is_number = 1};
    WF_ASSIGN(l.key, builder_.text(key));
    labels_.push_back(l);
    return {};
  }

  Result<Event> event_of(std::string_view name) {
    auto it = events_.find(name);
    if (it != events_.end()) return it->second;
    Event e;
    WF_ASSIGN(e.samples, builder_.add_sample_type(std::string(name) + "_sample", "count"));
    WF_ASSIGN(e.weight, builder_.add_sample_type(std::string(name) + "_event", "count"));
    events_.emplace(name, e);
    return e;
  }

  Status not_understood() {
    ++not_understood_;
    last_is_understood_ = false;
    return {};
  }

  Status add_remarks() {
    if (other_records_ != 0) {
      WF_TRY(builder_.comment("perf-script: " + std::to_string(other_records_) + " records that are no samples"));
    }
    if (not_understood_ != 0) {
      count_lost("perf_script_lines", "not_understood", not_understood_);
      WF_TRY(builder_.comment("perf-script: " + std::to_string(not_understood_) + " lines not understood"));
    }
    if (!is_ended_ && !last_is_understood_) WF_TRY(builder_.comment("perf-script: the text ends within a line"));
    return {};
  }

  const DecodeLimits& limits_;
  bool is_ended_;
  LineReader lines_;
  ProfileBuilder builder_;
  std::map<std::string, Event, std::less<>> events_;
  bool has_header_ = false;
  PerfHeaderLine header_;
  std::vector<PerfFrameLine> frames_;
  std::vector<uint32_t> stack_;
  std::vector<Label> labels_;
  uint64_t samples_ = 0;
  uint64_t other_records_ = 0;
  uint64_t not_understood_ = 0;
  bool last_is_understood_ = true;
  int64_t first_ns_ = 0;
  int64_t last_ns_ = 0;
};

}  // namespace

Result<profile::Profile> decode_perf_script(std::string_view bytes, const DecodeLimits& limits) {
  return PerfScriptDecoder(bytes, limits).run();
}

}  // namespace watchfire::converters
