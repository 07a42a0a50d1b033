#include "cli/json_reports.h"

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "profile/report_rows.h"

namespace watchfire::cli {
namespace {

using profile::Profile;
using profile::Report;
using profile::ReportKind;
using profile::ReportParams;

Result<std::unique_ptr<Report>> prepared(const Profile& p, ReportKind kind, const ReportParams& params) {
  WF_ASSIGN(profile::ReportOptions options, profile::read_report_options(params));
  std::vector<std::string> notes;
  return Report::prepare(p, kind, options, "", notes);
}

void write_labels(JsonWriter& w, const Profile& p, uint32_t set) {
  std::map<std::string_view, std::vector<const profile::Label*>> by_key;
  for (const profile::Label& l : p.label_sets[set]) by_key[p.text(l.key)].push_back(&l);
  w.key("labels").begin_object();
  for (const auto& [key, labels] : by_key) {
    w.key(key).begin_array();
    for (const profile::Label* l : labels) {
      if (l->is_number == 0)
        w.value(p.text(l->str));
      else
        w.begin_object().field("value", l->num).field("unit", p.text(l->unit)).end_object();
    }
    w.end_array();
  }
  w.end_object();
}

void write_stack(JsonWriter& w, const Profile& p, uint32_t stack) {
  w.key("stack").begin_array();
  for (uint32_t location : p.stacks[stack]) {
    const profile::Location& l = p.locations[location];
    for (const profile::Line& line : p.lines_of(l)) {
      const profile::Function& f = p.functions[line.function];
      w.begin_object().field("function", p.text(f.name)).field("file", p.text(f.file)).field("line", line.line);
      w.end_object();
    }
    if (l.line_count != 0) continue;
    w.begin_object().field("address", l.address);
    if (l.mapping != profile::kNone) w.field("binary", p.text(p.mappings[l.mapping].file));
    w.end_object();
  }
  w.end_array();
}

}  // namespace

Result<std::string> traces_json(const Profile& source, const ReportParams& params) {
  WF_ASSIGN(auto report, prepared(source, ReportKind::kTraces, params));
  const Profile& p = report->profile();
  JsonWriter w;
  w.begin_object().key("types").begin_array();
  for (const profile::ValueType& t : p.sample_types)
    w.begin_object().field("type", p.text(t.type)).field("unit", p.text(t.unit)).end_object();
  w.end_array().key("samples").begin_array();
  for (size_t i = 0; i < p.sample_count(); ++i) {
    w.begin_object().key("values").begin_array();
    for (const auto& column : p.values) w.value(column[i]);
    w.end_array();
    write_labels(w, p, p.sample_label_sets[i]);
    write_stack(w, p, p.sample_stacks[i]);
    w.end_object();
  }
  w.end_array().end_object();
  return w.release();
}

Result<std::string> tags_json(const Profile& source, const ReportParams& params) {
  WF_ASSIGN(auto report, prepared(source, ReportKind::kTags, params));
  const Profile& p = report->profile();
  using Value = std::pair<std::string, std::string_view>;  // and unit
  std::map<std::string_view, std::map<Value, int64_t>> tags;
  for (size_t i = 0; i < p.sample_count(); ++i)
    for (const profile::Label& l : p.label_sets[p.sample_label_sets[i]]) {
      std::string value = l.is_number == 0 ? std::string(p.text(l.str)) : std::to_string(l.num);
      int64_t& sum = tags[p.text(l.key)][{value, p.text(l.unit)}];
      sum = profile::wrapping_add(sum, report->value(i));
    }
  JsonWriter w;
  w.begin_object().field("total", report->total()).field("unit", report->sample_unit()).key("tags").begin_object();
  for (const auto& [key, values] : tags) {
    std::vector<std::pair<Value, int64_t>> sorted(values.begin(), values.end());
    std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) { return a.second > b.second; });
    w.key(key).begin_array();
    for (const auto& [value, sum] : sorted) {
      w.begin_object().field("value", value.first);
      if (!value.second.empty()) w.field("unit", value.second);
      w.field("total", sum).end_object();
    }
    w.end_array();
  }
  w.end_object().end_object();
  return w.release();
}

Result<std::string> list_json(const Profile& p, const ReportParams& params) {
  WF_ASSIGN(profile::ReportOptions options, profile::read_report_options(params));
  WF_ASSIGN(profile::Regex regex, profile::Regex::compile(params.at("function")));
  options.granularity = profile::Granularity::kLines;
  options.node_count = 0;
  options.trim = false;
  WF_ASSIGN(profile::TopRows top, top_rows(p, options));
  JsonWriter w;
  w.begin_object().field("total", top.total).field("unit", top.unit).key("lines").begin_array();
  size_t found = 0;
  for (const profile::TopRow& row : top.rows) {
    if (!regex.matches(row.function)) continue;
    ++found;
    w.begin_object().field("function", row.function).field("file", row.file).field("line", row.line);
    w.field("flat", row.flat).field("cum", row.cum).end_object();
  }
  w.end_array().end_object();
  if (found == 0) return fail(ErrorCode::kNotFound, "no function matches " + params.at("function"));
  return w.release();
}

}  // namespace watchfire::cli
