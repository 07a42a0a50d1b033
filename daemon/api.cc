#include "daemon/api.h"

#include <algorithm>

#include "base/counters.h"
#include "base/json_writer.h"

namespace watchfire::daemon {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kCorrupt:
      return 422;
    case ErrorCode::kResourceExhausted:
      return 413;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kCancelled:
      return 504;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

net::HttpResponse error_response(const Error& error) {
  JsonWriter w;
  w.begin_object().field("code", error_code_name(error.code)).field("message", error.message);
  if (!error.hint.empty()) w.field("hint", error.hint);
  if (error.position.line > 0) {
    w.key("position").begin_object().field("line", error.position.line).field("column", error.position.column);
    w.end_object();
  }
  w.end_object();
  return {status_of(error.code), "application/json", w.release() + "\n", {}, {}};
}

Result<TimeRange> request_range(const net::HttpRequest& request) {
  UnixNs now = now_ns();
  TimeRange range{now - kHour, now};
  if (auto since = request.param("since"); !since.empty()) {
    WF_ASSIGN(DurationNs length, parse_duration(since));
    range.start = std::max<UnixNs>(now - length, 0);
  }
  if (auto start = request.param("start"); !start.empty()) {
    WF_ASSIGN(range.start, parse_time(start, now));
  }
  if (auto end = request.param("end"); !end.empty()) {
    WF_ASSIGN(range.end, parse_time(end, now));
  }
  if (range.start >= range.end)
    return fail(Error(ErrorCode::kInvalidArgument, "the range is empty: start is not before end"));
  return range;
}

Api::Api(ApiParts parts) : parts_(std::move(parts)) {
  add_state_routes();
  add_query_routes();
  add_write_routes();
  add_analysis_routes();
}

std::vector<std::string> Api::routes() const {
  std::vector<std::string> out;
  for (const auto& [name, route] : routes_) out.push_back(name);
  return out;
}

net::HttpResponse Api::handle(const net::HttpRequest& request) const {
  count("api_requests_total");
  auto it = routes_.find(request.method + " " + request.path);
  if (it == routes_.end()) {
    for (const auto& [name, route] : routes_)
      if (name.ends_with(" " + request.path))
        return error_response(Error(ErrorCode::kInvalidArgument, request.path + " does not take " + request.method));
    return error_response(
        Error(ErrorCode::kNotFound, "no such path").hinted("docs/openapi.yaml lists them; start at /api/v1/status"));
  }
  if (Status may = parts_.access->check(request, it->second.is_write, it->second.is_finding); !may)
    return error_response(may.error());
  auto response = it->second.handler(request);
  if (!response) {
    count("api_errors_total", error_code_name(response.error().code));
    return error_response(response.error());
  }
  return *std::move(response);
}

}  // namespace watchfire::daemon
