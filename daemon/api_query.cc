// Asking for profiles: series, timelines, reports, and any query as pprof or flame graph.
#include <algorithm>

#include "base/config_tree.h"
#include "base/json_writer.h"
#include "converters/flamegraph/flame_graph.h"
#include "converters/flamegraph/flame_page.h"
#include "converters/pprof/encode.h"
#include "daemon/api.h"
#include "profile/named_report.h"
#include "profile/query_json.h"

namespace watchfire::daemon {
namespace {

using profile::MergeResult;

Result<profile::Selector> request_selector(const net::HttpRequest& request) {
  std::string_view text = request.param("selector");
  if (text.empty())
    return fail(Error(ErrorCode::kInvalidArgument, "the parameter 'selector' is missing")
                    .hinted("for example selector=process_cpu:cpu{service_name=\"api\"}"));
  return profile::Selector::parse(text);
}

Result<MergeResult> request_merge(const ApiParts& parts, const net::HttpRequest& request, bool keep_labels) {
  WF_ASSIGN(profile::Selector selector, request_selector(request));
  WF_ASSIGN(TimeRange range, request_range(request));
  return parts.store->merge(selector, range, {.keep_labels = keep_labels});
}

Result<net::HttpResponse> series_response(const ApiParts& parts, const net::HttpRequest& request) {
  profile::Selector selector;
  if (!request.param("selector").empty()) {
    WF_ASSIGN(selector, request_selector(request));
  }
  WF_ASSIGN(TimeRange range, request_range(request));
  WF_ASSIGN(auto series, parts.store->series(selector, range));
  JsonWriter w;
  w.begin_object().key("series").begin_array();
  for (const auto& s : series) {
    w.begin_object().field("type", s.type.text()).field("profiles", s.profiles);
    w.field("start_ns", s.range.start).field("end_ns", s.range.end).key("labels").begin_object();
    for (const auto& [name, value] : s.labels) w.field(name, value);
    w.end_object().end_object();
  }
  w.end_array().end_object();
  return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
}

Result<net::HttpResponse> timeline_response(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(profile::Selector selector, request_selector(request));
  WF_ASSIGN(TimeRange range, request_range(request));
  WF_ASSIGN(DurationNs step, parse_duration(request.param("step", "1m")));
  WF_ASSIGN(auto points, parts.store->timeline(selector, range, step));
  JsonWriter w;
  w.begin_object().field("step_ns", step).key("points").begin_array();
  for (const auto& p : points) {
    w.begin_object().field("time_ns", p.time).field("value", p.value).field("covered_ns", p.covered).end_object();
  }
  w.end_array().end_object();
  return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
}

profile::ReportParams report_params(const net::HttpRequest& request) {
  profile::ReportParams params;
  for (const auto& [name, value] : request.query)
    if (name != "selector" && name != "start" && name != "end" && name != "since" && name != "report" &&
        name != "format")
      params[name] = value;
  return params;
}

Result<net::HttpResponse> report_response(const ApiParts& parts, const net::HttpRequest& request) {
  std::string_view report = request.param("report", "top"), format = request.param("format", "text");
  bool labels = report == "tags" || report == "traces" || report == "raw" || request.query.contains("tagfocus") ||
                request.query.contains("tagroot") || request.query.contains("tagleaf") ||
                request.query.contains("tagignore");
  WF_ASSIGN(MergeResult merged, request_merge(parts, request, labels));
  if (format == "text") {
    WF_ASSIGN(std::string text, profile::report_text(*merged.profile, report, report_params(request)));
    return net::HttpResponse{
        200, "text/plain; charset=utf-8", profile::merge_status_line(merged) + "\n" + text, {}, {}};
  }
  if (format == "json") {
    WF_ASSIGN(std::string json, profile::report_json(*merged.profile, report, report_params(request)));
    JsonWriter w;
    w.begin_object().key("status").raw(profile::merge_status_json(merged)).key("report").raw(json).end_object();
    return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
  }
  return fail(Error(ErrorCode::kInvalidArgument, "format: expected text or json, found '" + std::string(format) + "'"));
}

// `labels=drop` sums samples by stack alone; `max_bytes` lowers the limit of what is merged.
Result<net::HttpResponse> profile_response(const ApiParts& parts, const net::HttpRequest& request) {
  std::string_view labels = request.param("labels", "keep");
  if (labels != "keep" && labels != "drop")
    return fail(ErrorCode::kInvalidArgument, "labels: expected keep or drop, found '" + std::string(labels) + "'");
  WF_ASSIGN(profile::Selector selector, request_selector(request));
  WF_ASSIGN(TimeRange range, request_range(request));
  profile::MergeOptions options{.keep_labels = labels == "keep"};
  if (auto text = request.param("max_bytes"); !text.empty()) {
    WF_ASSIGN(uint64_t bytes, parse_bytes(text));
    options.max_bytes = std::min<size_t>(options.max_bytes, bytes);
  }
  WF_ASSIGN(MergeResult merged, parts.store->merge(selector, range, options));
  net::HttpResponse response{200, "application/octet-stream", converters::encode_pprof_gz(*merged.profile), {}, {}};
  response.headers["Content-Disposition"] = "attachment; filename=\"profile.pb.gz\"";
  response.headers["X-Watchfire-Status"] = profile::merge_status_json(merged);
  return response;
}

Result<bool> flag_param(const net::HttpRequest& request, std::string_view name) {
  std::string_view text = request.param(name, "0");
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return fail(ErrorCode::kInvalidArgument, std::string(name) + ": expected 1 or 0, found '" + std::string(text) + "'");
}

Result<net::HttpResponse> flame_graph_response(const ApiParts& parts, const net::HttpRequest& request) {
  std::string_view format = request.param("format", "svg");
  if (format != "svg" && format != "html")
    return fail(ErrorCode::kInvalidArgument, "format: expected svg or html, found '" + std::string(format) + "'");
  WF_ASSIGN(bool inverted, flag_param(request, "inverted"));
  WF_ASSIGN(bool reversed, flag_param(request, "reversed"));
  WF_ASSIGN(MergeResult merged, request_merge(parts, request, false));
  std::string title(request.param("selector"));
  std::string range = format_time(merged.range.start) + " to " + format_time(merged.range.end);
  net::HttpResponse response;
  std::string policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  if (format == "html") {
    policy = converters::flame_page_policy();
    response.content_type = "text/html; charset=utf-8";
    response.body = converters::flame_graph_page(
        *merged.profile, {.title = title, .subtitle = range, .inverted = inverted, .reversed = reversed});
  } else {
    response.content_type = "image/svg+xml";
    response.body = converters::flame_graph_svg(
        *merged.profile, {.title = title, .subtitle = range, .inverted = inverted, .reversed = reversed});
  }
  response.headers["Content-Security-Policy"] = policy + "; sandbox allow-scripts";
  return response;
}

}  // namespace

void Api::add_query_routes() {
  routes_["GET /api/v1/series"] = {[this](const auto& r) { return series_response(parts_, r); }};
  routes_["GET /api/v1/timeline"] = {[this](const auto& r) { return timeline_response(parts_, r); }};
  routes_["GET /api/v1/report"] = {[this](const auto& r) { return report_response(parts_, r); }};
  routes_["GET /api/v1/profile"] = {[this](const auto& r) { return profile_response(parts_, r); }};
  routes_["GET /api/v1/flamegraph"] = {[this](const auto& r) { return flame_graph_response(parts_, r); }};
}

}  // namespace watchfire::daemon
