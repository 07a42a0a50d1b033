// What comes in through the API: pushed profiles and symbols supplied later.
#include <charconv>

#include "base/config_tree.h"
#include "base/counters.h"
#include "base/json_writer.h"
#include "converters/decode_any.h"
#include "daemon/api.h"

namespace watchfire::daemon {
namespace {

constexpr size_t kMaxLabels = 30;
constexpr size_t kMaxLabelValue = 1024;

// Series labels of a push: every query parameter but the reserved ones.
Result<Labels> push_labels(const net::HttpRequest& request) {
  Labels labels;
  for (const auto& [name, value] : request.query) {
    if (name == "profile_type" || name == "from" || name == "until") continue;
    if (!is_label_name(name) || name.starts_with("__"))
      return fail(ErrorCode::kInvalidArgument, "'" + name + "' is no label name");
    if (value.size() > kMaxLabelValue)
      return fail(ErrorCode::kInvalidArgument, "the value of " + name + " is longer than 1024 bytes");
    labels[name] = value;
  }
  if (labels.size() > kMaxLabels) return fail(ErrorCode::kInvalidArgument, "more than 30 labels");
  if (label_or_empty(labels, "service_name").empty())
    return fail(Error(ErrorCode::kInvalidArgument, "the label service_name is missing")
                    .hinted("POST /api/v1/profiles?service_name=api"));
  labels["source"] = "push";
  return labels;
}

Result<net::HttpResponse> push(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(Labels labels, push_labels(request));
  labels.try_emplace("host", parts.host);
  auto decoded = converters::decode_any(request.body, parts.limits);
  if (!decoded) {
    count("push_refused_total", error_code_name(decoded.error().code));
    return fail(std::move(decoded).error().with("the body"));
  }
  profile::Profile p = *std::move(decoded);
  std::string name(request.param("profile_type"));
  if (name.empty())
    name = profile::profile_name_of_sample_type(p.sample_types.empty() ? "" : p.text(p.sample_types.back().type));
  UnixNs now = now_ns();
  TimeRange range{p.time_ns, p.time_ns + p.duration_ns};
  if (auto from = request.param("from"); !from.empty()) {
    WF_ASSIGN(range.start, parse_time(from, now));
  }
  if (auto until = request.param("until"); !until.empty()) {
    WF_ASSIGN(range.end, parse_time(until, now));
  }
  if (range.end <= 0 || range.end > now + 10 * kMinute)
    range = {now - std::max<DurationNs>(p.duration_ns, kSecond), now};
  if (range.start >= range.end) range.start = range.end - kSecond;
  size_t samples = p.sample_count();
  WF_TRY(parts.store->append({{labels, name, range, std::make_shared<const profile::Profile>(std::move(p))}}));
  count("push_profiles_total");
  JsonWriter w;
  w.begin_object().field("samples", static_cast<uint64_t>(samples)).field("profile_type", name);
  w.field("end", format_time(range.end)).end_object();
  return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
}

Result<uint64_t> read_address(const ConfigValue& v, const std::string& what) {
  uint64_t n = 0;
  std::string_view s = v.scalar;
  int base = 10;
  if (s.starts_with("0x")) {
    s.remove_prefix(2);
    base = 16;
  }
  auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n, base);
  if (ec != std::errc() || end != s.data() + s.size()) return fail(config_error(v, what + ": expected an address"));
  return n;
}

// Body: {"file_id":"<build id>","symbols":[{"start":"0x1000","end":"0x1040","name":"f","file":"f.cc","line":3}]}
Result<net::HttpResponse> add_symbols(const ApiParts& parts, const net::HttpRequest& request) {
  WF_ASSIGN(ConfigValue root, parse_config(request.body));
  std::string file_id;
  std::vector<store::SymbolRange> ranges;
  ObjectReader r(root, "body");
  r.require("file_id");
  r.text("file_id", file_id);
  r.each("symbols", [&](const ConfigValue& v, const std::string& what) -> Status {
    store::SymbolFrame frame;
    store::SymbolRange range;
    int64_t line = 0;
    ObjectReader s(v, what);
    auto address = [&](const char* key, uint64_t& out) {
      s.require(key);
      s.child(key, [&](const ConfigValue& a, const std::string& where) -> Status {
        WF_ASSIGN(out, read_address(a, where));
        return {};
      });
    };
    address("start", range.start);
    address("end", range.end);
    s.require("name");
    s.text("name", frame.name);
    s.text("system_name", frame.system_name);
    s.text("file", frame.file);
    s.integer("line", line, 0, INT32_MAX);
    WF_TRY(s.finish());
    frame.line = line;
    range.frames.push_back(std::move(frame));
    ranges.push_back(std::move(range));
    return {};
  });
  WF_TRY(r.finish());
  WF_TRY(parts.store->add_symbols(file_id, ranges));
  JsonWriter w;
  w.begin_object().field("symbols", static_cast<uint64_t>(ranges.size())).end_object();
  return net::HttpResponse{200, "application/json", w.release() + "\n", {}, {}};
}

}  // namespace

void Api::add_write_routes() {
  routes_["POST /api/v1/profiles"] = {[this](const auto& r) { return push(parts_, r); }, true};
  routes_["POST /api/v1/symbols"] = {[this](const auto& r) { return add_symbols(parts_, r); }, true};
}

}  // namespace watchfire::daemon
