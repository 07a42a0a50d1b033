#include "cli/profile_info.h"

#include <utility>

#include "base/clock.h"
#include "base/json_writer.h"
#include "cli/terminal.h"
#include "converters/folded/decode.h"
#include "converters/legacy/decode.h"
#include "converters/perfdata/decode.h"
#include "converters/perfscript/decode.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/inflate.h"
#include "profile/measurement.h"
#include "profile/wrapping.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

/// What a profile does not tell.
struct Gaps {
  size_t unnamed_locations = 0;
  size_t samples_with_unnamed = 0;
  size_t empty_stacks = 0;
  size_t cut_stacks = 0;
};

Gaps find_gaps(const Profile& p) {
  Gaps gaps;
  for (const profile::Location& l : p.locations) gaps.unnamed_locations += l.line_count == 0;
  std::vector<bool> unnamed(p.stacks.size()), cut(p.label_sets.size());
  for (uint32_t s = 0; s < p.stacks.size(); ++s)
    for (uint32_t location : p.stacks[s]) unnamed[s] = unnamed[s] || p.locations[location].line_count == 0;
  for (uint32_t s = 0; s < p.label_sets.size(); ++s)
    for (const profile::Label& l : p.label_sets[s]) cut[s] = cut[s] || p.text(l.key) == "truncated";
  for (size_t i = 0; i < p.sample_count(); ++i) {
    gaps.samples_with_unnamed += unnamed[p.sample_stacks[i]];
    gaps.empty_stacks += p.stacks[p.sample_stacks[i]].empty();
    gaps.cut_stacks += cut[p.sample_label_sets[i]];
  }
  return gaps;
}

int64_t total_of(const Profile& p, size_t column) {
  int64_t total = 0;
  for (int64_t v : p.values[column]) total = profile::wrapping_add(total, v);
  return total;
}

std::string type_text(const Profile& p, const profile::ValueType& t) {
  return std::string(p.text(t.type)) + "/" + std::string(p.text(t.unit));
}

std::string hex(uint64_t n) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
  return text;
}

}  // namespace

std::string format_of(std::string_view bytes) {
  auto limits = converters::DecodeLimits::offline();
  auto inflated = converters::inflate_profile(bytes, limits);
  if (!inflated) return "unknown";
  std::string packed = bytes.starts_with("\x1f\x8b") ? ", gzip" : bytes.starts_with("\x28\xb5\x2f\xfd") ? ", zstd" : "";
  std::string_view inner = inflated->bytes;
  if (converters::is_perf_data(inner)) return "perf.data" + packed;
  if (converters::decode_pprof_message(inner, limits)) return "pprof" + packed;
  if (converters::decode_legacy(inner, limits)) return "legacy pprof" + packed;
  if (converters::decode_perf_script(inner, limits)) return "output of perf script" + packed;
  if (converters::decode_folded(inner, limits)) return "folded stacks" + packed;
  return "unknown";
}

std::string info_text(const Profile& p, const std::string& format) {
  std::vector<std::vector<std::string>> rows;
  auto add = [&](std::string name, std::string value) { rows.push_back({std::move(name), std::move(value)}); };
  if (!format.empty()) add("format", format);
  for (size_t t = 0; t < p.sample_types.size(); ++t) {
    bool is_default =
        p.default_sample_type != 0 ? p.sample_types[t].type == p.default_sample_type : t + 1 == p.sample_types.size();
    add(t == 0 ? "types" : "", type_text(p, p.sample_types[t]) + ", total " +
                                   profile::measurement_label(total_of(p, t), p.text(p.sample_types[t].unit)) +
                                   (is_default ? " (default)" : ""));
  }
  add("samples",
      std::to_string(p.sample_count()) + " with " + std::to_string(p.stacks.size() - 1) + " distinct stacks");
  add("names", std::to_string(p.functions.size()) + " functions, " + std::to_string(p.locations.size()) + " locations");
  if (p.time_ns != 0) add("time", format_time(p.time_ns));
  if (p.duration_ns != 0) add("duration", format_duration(p.duration_ns));
  if (p.period != 0) add("period", std::to_string(p.period) + " " + type_text(p, p.period_type));
  bool first = true;
  for (const profile::Mapping& mapping : p.mappings) {
    std::string file(p.text(mapping.file)), build(p.text(mapping.build_id));
    if (mapping.limit == 0 && file.empty()) continue;  // stands for "nothing known"
    add(std::exchange(first, false) ? "mappings" : "", hex(mapping.start) + "-" + hex(mapping.limit) + " " +
                                                           (file.empty() ? "?" : file) +
                                                           (build.empty() ? "" : ", build id " + build));
  }
  Gaps gaps = find_gaps(p);
  if (gaps.unnamed_locations != 0)
    add("no names", std::to_string(gaps.unnamed_locations) + " locations, in " +
                        std::to_string(gaps.samples_with_unnamed) + " samples");
  if (gaps.empty_stacks != 0) add("no stack", std::to_string(gaps.empty_stacks) + " samples");
  if (gaps.cut_stacks != 0) add("cut stacks", std::to_string(gaps.cut_stacks) + " samples");
  for (size_t c = 0; c < p.comments.size(); ++c) add(c == 0 ? "comments" : "", std::string(p.text(p.comments[c])));
  return aligned(rows);
}

std::string info_json(const Profile& p, const std::string& format) {
  JsonWriter w;
  w.begin_object().field("format", format).key("types").begin_array();
  for (size_t t = 0; t < p.sample_types.size(); ++t)
    w.begin_object()
        .field("type", p.text(p.sample_types[t].type))
        .field("unit", p.text(p.sample_types[t].unit))
        .field("total", total_of(p, t))
        .end_object();
  w.end_array().field("default_type", p.text(p.default_sample_type));
  w.field("samples", uint64_t{p.sample_count()}).field("stacks", uint64_t{p.stacks.size() - 1});
  w.field("functions", uint64_t{p.functions.size()}).field("locations", uint64_t{p.locations.size()});
  if (p.time_ns != 0) w.field("time", format_time(p.time_ns));
  w.field("duration_ns", p.duration_ns).field("period", p.period).field("period_type", type_text(p, p.period_type));
  w.key("mappings").begin_array();
  for (const profile::Mapping& m : p.mappings)
    w.begin_object()
        .field("start", hex(m.start))
        .field("limit", hex(m.limit))
        .field("file", p.text(m.file))
        .field("build_id", p.text(m.build_id))
        .end_object();
  w.end_array().key("comments").begin_array();
  for (profile::StringId c : p.comments) w.value(p.text(c));
  w.end_array();
  Gaps gaps = find_gaps(p);
  w.key("missing").begin_object();
  w.field("unnamed_locations", uint64_t{gaps.unnamed_locations});
  w.field("samples_with_unnamed", uint64_t{gaps.samples_with_unnamed});
  w.field("samples_without_stack", uint64_t{gaps.empty_stacks});
  w.field("samples_with_cut_stack", uint64_t{gaps.cut_stacks}).end_object();
  return w.end_object().release();
}

}  // namespace watchfire::cli
