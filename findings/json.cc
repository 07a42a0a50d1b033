// Findings and digests as JSON, both ways; findings/render.h says the rest.
#include <charconv>
#include <cmath>

#include "base/json_tree.h"
#include "base/json_writer.h"
#include "findings/render.h"

namespace watchfire::findings {
namespace {

constexpr size_t kMaxText = 8192;
constexpr size_t kMaxEvidence = 20;
constexpr size_t kMaxNumbers = 20;

void write_range(JsonWriter& w, const TimeRange& range) {
  w.key("range").begin_object().field("start_ns", range.start).field("end_ns", range.end);
  w.field("start", format_time(range.start)).field("end", format_time(range.end)).end_object();
}

void write_evidence(JsonWriter& w, const Evidence& e) {
  w.begin_object().field("query", e.query).field("tool", e.tool).field("function", e.function.raw());
  write_range(w, e.range);
  w.key("numbers").begin_array();
  for (const EvidenceNumber& n : e.numbers)
    w.begin_object().field("name", n.name).field("value", n.value).field("unit", n.unit).end_object();
  w.end_array().field("command", e.command).end_object();
}

void write_finding(JsonWriter& w, const Finding& f) {
  w.begin_object().field("key", f.key).field("service", f.service.raw()).field("resource", resource_name(f.resource));
  w.field("cause_class", f.cause_class).field("function", f.function.raw()).field("file", f.file.raw());
  w.field("title", f.title.raw()).field("explanation", f.explanation.raw()).field("advice", f.advice);
  w.field("share", f.share).field("amount", f.amount).field("unit", resource_unit(f.resource));
  w.field("gain_bound", f.gain_bound).field("confidence", f.confidence).field("samples", f.samples);
  if (f.change) {
    w.key("change").begin_object().field("before", f.change->before).field("after", f.change->after);
    w.field("low", f.change->low).field("high", f.change->high).end_object();
  }
  w.key("evidence").begin_array();
  for (const Evidence& e : f.evidence) write_evidence(w, e);
  w.end_array().field("author", f.author).field("life", life_name(f.life));
  w.field("first_seen_ns", f.first_seen).field("last_seen_ns", f.last_seen).end_object();
}

void write_service(JsonWriter& w, const ServiceSummary& s) {
  w.begin_object().field("service", s.service.raw()).field("cores", s.cores).field("cores_error", s.cores_error);
  w.field("samples", s.samples).field("alloc_bytes_per_s", s.alloc_bytes_per_s).field("heap_bytes", s.heap_bytes);
  w.field("goroutines", s.goroutines).field("verdict", s.verdict).field("source", s.source).end_object();
}

// Readers for one object; texts over the limit are an error.
struct Reading {
  ObjectReader r;
  Reading(const ConfigValue& v, const std::string& what) : r(v, what) {}

  void text(std::string_view key, std::string& out) {
    r.text(key, out);
    if (out.size() > kMaxText) out.resize(kMaxText);
  }
  void text(std::string_view key, UntrustedText& out) {
    std::string s = out.raw();
    text(key, s);
    out = UntrustedText(std::move(s));
  }
  void number(std::string_view key, double& out) { r.number(key, out, -1e300, 1e300); }
  void integer(std::string_view key, int64_t& out) { r.integer(key, out, INT64_MIN, INT64_MAX); }
  void range(TimeRange& out) {
    r.child("range", [&](const ConfigValue& v, const std::string& what) {
      Reading x(v, what);
      std::string ignored;
      x.integer("start_ns", out.start);
      x.integer("end_ns", out.end);
      x.text("start", ignored);
      x.text("end", ignored);
      return x.r.finish();
    });
  }
};

Result<Evidence> read_evidence(const ConfigValue& v, const std::string& what) {
  Evidence e;
  Reading x(v, what);
  x.r.require("query");
  x.text("query", e.query);
  x.text("tool", e.tool);
  x.text("function", e.function);
  x.range(e.range);
  x.r.each("numbers", [&](const ConfigValue& n, const std::string& where) -> Status {
    if (e.numbers.size() >= kMaxNumbers) return fail(ErrorCode::kResourceExhausted, where + ": too many numbers");
    EvidenceNumber number;
    Reading y(n, where);
    y.text("name", number.name);
    y.number("value", number.value);
    y.text("unit", number.unit);
    if (Status s = y.r.finish(); !s) return s;
    e.numbers.push_back(std::move(number));
    return {};
  });
  x.text("command", e.command);
  WF_TRY(x.r.finish());
  return e;
}

Result<Finding> read_finding(const ConfigValue& v, const std::string& what) {
  Finding f;
  std::string resource = "cpu", life = "new", unit;
  Reading x(v, what);
  for (const char* key : {"service", "title", "cause_class"}) x.r.require(key);
  x.text("key", f.key);
  x.text("service", f.service);
  x.text("resource", resource);
  x.text("cause_class", f.cause_class);
  x.text("function", f.function);
  x.text("file", f.file);
  x.text("title", f.title);
  x.text("explanation", f.explanation);
  x.text("advice", f.advice);
  x.number("share", f.share);
  x.number("amount", f.amount);
  x.text("unit", unit);
  x.number("gain_bound", f.gain_bound);
  x.number("confidence", f.confidence);
  x.integer("samples", f.samples);
  x.r.child("change", [&](const ConfigValue& c, const std::string& where) {
    Reading y(c, where);
    f.change.emplace();
    y.number("before", f.change->before);
    y.number("after", f.change->after);
    y.number("low", f.change->low);
    y.number("high", f.change->high);
    return y.r.finish();
  });
  x.r.each("evidence", [&](const ConfigValue& e, const std::string& where) -> Status {
    if (f.evidence.size() >= kMaxEvidence) return fail(ErrorCode::kResourceExhausted, where + ": too much evidence");
    WF_ASSIGN(Evidence evidence, read_evidence(e, where));
    f.evidence.push_back(std::move(evidence));
    return {};
  });
  x.text("author", f.author);
  x.text("life", life);
  x.integer("first_seen_ns", f.first_seen);
  x.integer("last_seen_ns", f.last_seen);
  WF_TRY(x.r.finish());
  bool known = false;
  for (auto r : {Resource::kCpu, Resource::kAllocations, Resource::kHeap, Resource::kLocks, Resource::kGoroutines})
    if (resource_name(r) == resource) f.resource = r, known = true;
  if (!known) return fail(ErrorCode::kInvalidArgument, what + ".resource: unknown resource");
  for (auto l : {Life::kNew, Life::kOpen, Life::kWorse, Life::kAccepted, Life::kFixed})
    if (life_name(l) == life) f.life = l;
  return f;
}

Result<ServiceSummary> read_service(const ConfigValue& v, const std::string& what) {
  ServiceSummary s;
  Reading x(v, what);
  x.text("service", s.service);
  x.number("cores", s.cores);
  x.number("cores_error", s.cores_error);
  x.integer("samples", s.samples);
  x.number("alloc_bytes_per_s", s.alloc_bytes_per_s);
  x.number("heap_bytes", s.heap_bytes);
  x.number("goroutines", s.goroutines);
  x.text("verdict", s.verdict);
  x.text("source", s.source);
  WF_TRY(x.r.finish());
  return s;
}

}  // namespace

std::string finding_json(const Finding& finding) {
  JsonWriter w;
  write_finding(w, finding);
  return w.release();
}

std::string digest_json(const Digest& d) {
  JsonWriter w;
  w.begin_object().field("created_ns", d.created).field("created", format_time(d.created)).field("host", d.host);
  write_range(w, d.range);
  w.field("error", d.error).field("expected_samples", d.expected_samples).field("lost_samples", d.lost_samples);
  w.key("services").begin_array();
  for (const ServiceSummary& s : d.services) write_service(w, s);
  w.end_array().key("findings").begin_array();
  for (const Finding& f : d.findings) write_finding(w, f);
  w.end_array().key("fixed").begin_array();
  for (const Finding& f : d.fixed) write_finding(w, f);
  w.end_array().key("notes").begin_array();
  for (const std::string& note : d.notes) w.value(note);
  w.end_array().end_object();
  return w.release();
}

Result<Finding> parse_finding(std::string_view json) {
  WF_ASSIGN(ConfigValue root, parse_json(json));
  return read_finding(root, "finding");
}

Result<Digest> parse_digest(std::string_view json) {
  WF_ASSIGN(ConfigValue root, parse_json(json));
  Digest d;
  std::string ignored;
  int64_t expected = 0, lost = 0;
  Reading x(root, "digest");
  x.integer("created_ns", d.created);
  x.text("created", ignored);
  x.text("host", d.host);
  x.range(d.range);
  x.text("error", d.error);
  x.integer("expected_samples", expected);
  x.integer("lost_samples", lost);
  auto findings = [&](const char* key, std::vector<Finding>& into) {
    x.r.each(key, [&](const ConfigValue& v, const std::string& what) -> Status {
      WF_ASSIGN(Finding f, read_finding(v, what));
      into.push_back(std::move(f));
      return {};
    });
  };
  x.r.each("services", [&](const ConfigValue& v, const std::string& what) -> Status {
    WF_ASSIGN(ServiceSummary s, read_service(v, what));
    d.services.push_back(std::move(s));
    return {};
  });
  findings("findings", d.findings);
  findings("fixed", d.fixed);
  x.r.texts("notes", d.notes);
  WF_TRY(x.r.finish());
  d.expected_samples = static_cast<uint64_t>(expected);
  d.lost_samples = static_cast<uint64_t>(lost);
  return d;
}

}  // namespace watchfire::findings
