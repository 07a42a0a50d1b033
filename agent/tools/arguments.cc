#include "agent/tools/arguments.h"

#include "agent/measure.h"
#include "base/json_tree.h"

namespace watchfire::agent {
namespace {

using findings::Evidence;
using findings::Finding;

constexpr int64_t kLeastBytes = 4096, kMostBytes = 32 << 10;
constexpr DurationNs kMaxRange = 31 * 24 * kHour;
constexpr size_t kMaxText = 4096;
constexpr size_t kMaxEvidence = 8, kMaxNumbers = 8;

// A model has no use for line and column of its JSON.
Error without_position(Error e) {
  constexpr std::string_view kPosition = "line 1, column 1: ";
  if (e.message.starts_with(kPosition)) e.message.erase(0, kPosition.size());
  return e;
}

Status read_range(const std::string& since, const std::string& start, const std::string& end, TimeRange& range) {
  UnixNs now = range.end;
  if (!end.empty()) {
    WF_ASSIGN(range.end, parse_time(end, now));
    if (start.empty() && since.empty()) return fail(ErrorCode::kInvalidArgument, "end needs a start or since");
  }
  if (!start.empty()) {
    WF_ASSIGN(range.start, parse_time(start, now));
  } else if (!since.empty()) {
    WF_ASSIGN(DurationNs length, parse_duration(since));
    range.start = range.end - length;
  }
  range = whole_seconds(range);
  if (range.start >= range.end) return fail(ErrorCode::kInvalidArgument, "the range is empty: start is not before end");
  if (range.length() > kMaxRange) return fail(ErrorCode::kInvalidArgument, "the range is longer than 31 days");
  return {};
}

Status check_text(std::string_view key, const std::string& text) {
  if (text.size() <= kMaxText) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(key) + " is longer than " + std::to_string(kMaxText) + " bytes");
}

Result<Evidence> read_evidence(const ConfigValue& v, const std::string& what, UnixNs now) {
  Evidence e;
  std::string start, end, function;
  ObjectReader r(v, what);
  for (const char* key : {"query", "start", "end", "numbers"}) r.require(key);
  r.text("query", e.query);
  r.text("start", start);
  r.text("end", end);
  r.text("function", function);
  r.each("numbers", [&](const ConfigValue& n, const std::string& where) -> Status {
    if (e.numbers.size() >= kMaxNumbers) return fail(ErrorCode::kInvalidArgument, where + ": more than 8 numbers");
    findings::EvidenceNumber number;
    ObjectReader y(n, where);
    y.require("name");
    y.require("value");
    y.text("name", number.name);
    y.number("value", number.value, -1e300, 1e300);
    if (Status s = y.finish(); !s) return s;
    e.numbers.push_back(std::move(number));
    return {};
  });
  WF_TRY(r.finish());
  WF_TRY(check_text("query", e.query));
  e.function = UntrustedText(std::move(function));
  WF_ASSIGN(e.range.start, parse_time(start, now));
  WF_ASSIGN(e.range.end, parse_time(end, now));
  return e;
}

// One paragraph of what the model says about causes.
std::string explanation_of(std::string explanation, const std::string& other, const std::string& test) {
  if (!other.empty()) explanation += " Another explanation: " + other;
  if (!test.empty()) explanation += " What would tell: " + test;
  return explanation;
}

Result<Finding> read_finding(const ConfigValue& root, UnixNs now) {
  Finding f;
  std::string service, resource, function, title, explanation, other, test;
  ObjectReader r(root, "submit_finding");
  for (const char* key : {"service", "resource", "cause_class", "function", "title", "explanation", "share", "amount",
                          "gain_bound", "confidence", "evidence"})
    r.require(key);
  r.text("service", service);
  r.text("resource", resource);
  r.text("cause_class", f.cause_class);
  r.text("function", function);
  r.text("title", title);
  r.text("explanation", explanation);
  r.text("other_explanation", other);
  r.text("test", test);
  r.text("advice", f.advice);
  r.number("share", f.share, 0, 1);
  r.number("amount", f.amount, 0, 1e300);
  r.number("gain_bound", f.gain_bound, 0, 1e300);
  r.number("confidence", f.confidence, 0, 1);
  r.each("evidence", [&](const ConfigValue& e, const std::string& where) -> Status {
    if (f.evidence.size() >= kMaxEvidence) return fail(ErrorCode::kInvalidArgument, where + ": more than 8 evidences");
    WF_ASSIGN(Evidence evidence, read_evidence(e, where, now));
    f.evidence.push_back(std::move(evidence));
    return {};
  });
  WF_TRY(r.finish());
  std::pair<const char*, const std::string*> texts[] = {
      {"title", &title},     {"explanation", &explanation}, {"other_explanation", &other}, {"test", &test},
      {"advice", &f.advice}, {"service", &service},         {"function", &function}};
  for (const auto& [key, text] : texts) WF_TRY(check_text(key, *text));
  for (auto known : {findings::Resource::kCpu, findings::Resource::kAllocations, findings::Resource::kHeap,
                     findings::Resource::kLocks, findings::Resource::kGoroutines}) {
    if (resource != findings::resource_name(known)) continue;
    f.resource = known;
    f.service = UntrustedText(std::move(service));
    f.function = UntrustedText(std::move(function));
    f.title = UntrustedText(std::move(title));
    f.explanation = UntrustedText(explanation_of(std::move(explanation), other, test));
    return f;
  }
  return fail(ErrorCode::kInvalidArgument, "resource: expected cpu, allocations, heap, locks or goroutines");
}

Result<ToolArguments> read_object(std::string_view tool, const ConfigValue& root, TimeRange window) {
  ToolArguments a;
  ObjectReader r(root, std::string(tool));
  std::string since, start, end, base_start, base_end;
  int64_t rows = -1, bytes = static_cast<int64_t>(a.max_bytes), depth = static_cast<int64_t>(a.max_depth);
  bool lists = tool == "list_profiles";
  r.text("service", a.service);
  r.text("since", since);
  r.text("start", start);
  r.text("end", end);
  r.integer("max_bytes", bytes, kLeastBytes, kMostBytes);
  r.integer("nodecount", rows, 1, 1000);
  if (lists) {
    a.type.clear();
  } else {
    r.require("service");
    r.text("focus", a.report.filters.focus);
    r.text("ignore", a.report.filters.ignore);
    r.text("hide", a.report.filters.hide);
  }
  r.text("type", a.type);
  r.text("source", a.source);
  std::string sort = "flat";
  if (tool == "top") r.text("sort", sort);
  if (tool == "peek") {
    r.require("function");
    r.text("function", a.function);
  }
  if (tool == "tree") {
    r.number("min_share", a.min_share, 0, 1);
    r.integer("max_depth", depth, 1, 512);
  }
  if (tool == "diff") {
    r.text("base_start", base_start);
    r.text("base_end", base_end);
  }
  WF_TRY(r.finish());
  if (sort != "flat" && sort != "cum") return fail(ErrorCode::kInvalidArgument, "sort: expected flat or cum");
  a.report.cum_sort = sort == "cum";
  a.report.node_count = static_cast<int>(rows);
  a.max_bytes = static_cast<size_t>(bytes);
  a.max_depth = static_cast<size_t>(depth);
  a.is_filtered = !a.report.filters.focus.empty() || !a.report.filters.ignore.empty() || !a.report.filters.hide.empty();
  a.range = window;
  WF_TRY(read_range(since, start, end, a.range));
  a.base = {a.range.start - a.range.length(), a.range.start};
  if (base_start.empty() != base_end.empty())
    return fail(ErrorCode::kInvalidArgument, "base_start and base_end go together");
  if (!base_start.empty()) WF_TRY(read_range("", base_start, base_end, a.base));
  WF_TRY(profile::Selector::parse(a.type));
  return a;
}

}  // namespace

profile::Selector ToolArguments::selector() const {
  auto selector = profile::Selector::parse(type);
  profile::Selector out = selector ? *selector : profile::Selector();
  if (!service.empty()) out.add_matcher("service_name", profile::Selector::Op::kEqual, service);
  if (!source.empty()) out.add_matcher("source", profile::Selector::Op::kEqual, source);
  return out;
}

Result<ToolArguments> read_arguments(std::string_view tool, std::string_view json, TimeRange window) {
  auto root = parse_json(json);
  if (!root) return fail(without_position(std::move(root).error()));
  auto arguments = read_object(tool, *root, window);
  if (!arguments) return fail(without_position(std::move(arguments).error()));
  return arguments;
}

Result<Finding> read_submission(std::string_view json, UnixNs now) {
  auto root = parse_json(json);
  if (!root) return fail(without_position(std::move(root).error()));
  auto finding = read_finding(*root, now);
  if (!finding) return fail(without_position(std::move(finding).error()));
  return finding;
}

}  // namespace watchfire::agent
