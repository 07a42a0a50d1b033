// Findings and digests: what was found, analysing now, filing and accepting.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/json_writer.h"
#include "daemon/api.h"
#include "findings/render.h"

namespace watchfire::daemon {
namespace {

net::HttpResponse json_response(std::string json) {
  return {200, "application/json", std::move(json) + "\n", {}, {}};
}

// An analysis running on a thread of its own, read as lines of NDJSON: {"progress":...}*, then {"digest":...} or
// {"error":...}. The reader joins it, also when the client went away.
class AnalysisStream {
 public:
  AnalysisStream(Analysis& analysis, TimeRange range, std::string service)
      : thread_([this, &analysis, range, service = std::move(service)] {
          auto digest = analysis.run_now(range, service, [this](std::string_view line) {
            JsonWriter w;
            w.begin_object().field("progress", line).end_object();
            push(w.release() + "\n");
          });
          JsonWriter w;
          w.begin_object();
          if (digest) {
            digest->created = now_ns();
            w.key("digest").raw(findings::digest_json(*digest));
          } else {
            std::string body = error_response(digest.error()).body;
            w.key("error").raw(std::string_view(body).substr(0, body.find('\n')));
          }
          push(w.end_object().release() + "\n");
          std::lock_guard lock(mutex_);
          done_ = true;
          wake_.notify_all();
        }) {}
  ~AnalysisStream() { thread_.join(); }

  std::optional<std::string> next() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return done_ || !lines_.empty(); });
    if (lines_.empty()) return std::nullopt;
    std::string line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }

 private:
  void push(std::string line) {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    wake_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> lines_;  // guarded by mutex_
  bool done_ = false;              // guarded by mutex_
  std::thread thread_;
};

Result<net::HttpResponse> analyze(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(TimeRange range, request_range(request));
  auto stream = std::make_shared<AnalysisStream>(*parts.analysis, range, std::string(request.param("service")));
  net::HttpResponse response{200, "application/x-ndjson", "", {}, {}};
  response.next_chunk = [stream] { return stream->next(); };
  return response;
}

net::HttpResponse open_findings(const ApiParts& parts, const net::HttpRequest& request) {
  std::string_view service = request.param("service");
  JsonWriter w;
  w.begin_object().key("findings").begin_array();
  for (const auto& f : parts.analysis->journal().open_findings())
    if (service.empty() || f.service.raw() == service) w.raw(findings::finding_json(f));
  w.end_array().end_object();
  return json_response(w.release());
}

Result<net::HttpResponse> last_digest(const ApiParts& parts, const net::HttpRequest& request) {
  auto digest = parts.analysis->last_digest();
  if (!digest)
    return fail(Error(ErrorCode::kNotFound, "no digest has been made yet")
                    .hinted("the first comes a minute after collecting began; `watchfire digest --now` makes one"));
  if (request.param("format") == "markdown")
    return net::HttpResponse{200, "text/markdown; charset=utf-8", findings::digest_markdown(*digest), {}, {}};
  return json_response(findings::digest_json(*digest));
}

Result<net::HttpResponse> publish_digest(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(TimeRange range, request_range(request));
  WF_ASSIGN(auto digest, parts.analysis->publish_now(range));
  return json_response(findings::digest_json(digest));
}

// `publish=now`: the last digest's range is published once more with what was filed; else the next digest tells it.
Result<net::HttpResponse> file_finding(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(findings::Finding finding, findings::parse_finding(request.body));
  finding.author = "model";
  std::string key = finding.key;
  WF_TRY(parts.analysis->journal().file(std::move(finding)));
  if (request.param("publish") == "now") parts.analysis->publish_filed();
  JsonWriter w;
  w.begin_object().field("key", key).end_object();
  return json_response(w.release());
}

// Body: one sentence about the agent's run, for the notes of the next digest.
Result<net::HttpResponse> add_note(const ApiParts& parts, const net::HttpRequest& request) {
  if (request.body.empty()) return fail(ErrorCode::kInvalidArgument, "the body is empty: it is the note");
  WF_TRY(parts.analysis->add_note(request.body));
  return json_response("{}");
}

Result<net::HttpResponse> accept_finding(const ApiParts& parts, const net::HttpRequest& request) {
  std::string key(request.param("key"));
  WF_TRY(parts.analysis->journal().accept(key));
  JsonWriter w;
  w.begin_object().field("key", key).field("life", "accepted").end_object();
  return json_response(w.release());
}

}  // namespace

void Api::add_analysis_routes() {
  routes_["POST /api/v1/analyze"] = {[this](const auto& r) { return analyze(parts_, r); }, false};
  routes_["GET /api/v1/findings"] = {[this](const auto& r) { return open_findings(parts_, r); }};
  routes_["GET /api/v1/digest"] = {[this](const auto& r) { return last_digest(parts_, r); }};
  routes_["POST /api/v1/digest"] = {[this](const auto& r) { return publish_digest(parts_, r); }, true};
  routes_["POST /api/v1/findings"] = {[this](const auto& r) { return file_finding(parts_, r); }, true, true};
  routes_["POST /api/v1/findings/note"] = {[this](const auto& r) { return add_note(parts_, r); }, true, true};
  routes_["POST /api/v1/findings/accept"] = {[this](const auto& r) { return accept_finding(parts_, r); }, true};
}

}  // namespace watchfire::daemon
