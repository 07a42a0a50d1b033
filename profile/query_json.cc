#include "profile/query_json.h"

#include "base/json_writer.h"
#include "profile/measurement.h"

namespace watchfire::profile {
namespace {

int64_t total_of(const Profile& p) {
  int64_t total = 0;
  if (!p.values.empty())
    for (int64_t v : p.values[0]) total += v;
  return total;
}

}  // namespace

std::string merge_status_json(const MergeResult& r) {
  JsonWriter w;
  w.begin_object().field("type", r.type.text());
  w.key("range").begin_object().field("start", format_time(r.range.start)).field("end", format_time(r.range.end));
  w.field("start_ns", r.range.start).field("end_ns", r.range.end).end_object();
  w.field("covered_ns", r.covered).field("total", total_of(*r.profile)).field("unit", r.type.sample_unit);
  w.field("profiles", r.stats.profiles)
      .field("profile_count", r.profile_count)
      .field("blocks", r.stats.blocks)
      .field("samples", r.stats.samples);
  w.field("stacks", r.stats.stacks).field("partial", r.stats.partial);
  w.key("notes").begin_array();
  for (const std::string& note : r.stats.notes) w.value(note);
  w.end_array().end_object();
  return w.release();
}

std::string merge_status_line(const MergeResult& r) {
  std::string line = "# " + r.type.name + ":" + r.type.sample_type + ", " + format_time(r.range.start) + " to " +
                     format_time(r.range.end) + ": " + std::to_string(r.stats.profiles) + " profiles, " +
                     std::to_string(r.stats.samples) + " samples, " + std::to_string(r.stats.stacks) +
                     " stacks, total " + scaled_label(total_of(*r.profile), r.type.sample_unit, "auto") + " over " +
                     format_duration(r.covered);
  if (r.stats.partial) line += "; PARTIAL";
  for (const std::string& note : r.stats.notes) line += "; " + note;
  return line;
}

}  // namespace watchfire::profile
