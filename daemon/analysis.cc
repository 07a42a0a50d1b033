#include "daemon/analysis.h"

#include <algorithm>

#include "base/counters.h"
#include "base/log.h"
#include "converters/flamegraph/flame_graph.h"
#include "profile/selector.h"

namespace watchfire::daemon {
namespace {

constexpr size_t kMaxFlameGraphs = 50;
constexpr size_t kMaxSlug = 60;
constexpr size_t kMaxNotes = 10;
constexpr size_t kMaxNoteBytes = 500;

// A file name from a service's name: letters, digits, dots, dashes; a number keeps equal slugs apart.
std::string slug(std::string_view name) {
  std::string out;
  for (char c : name.substr(0, kMaxSlug))
    out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || (c == '.' && !out.empty()) ? c : '_';
  return out.empty() ? "service" : out;
}

}  // namespace

Result<std::unique_ptr<Analysis>> Analysis::create(Parts parts, const Config::Analysis& options,
                                                   std::vector<std::unique_ptr<plugins::Publisher>> publishers) {
  std::unique_ptr<Analysis> analysis(new Analysis(std::move(parts)));
  WF_ASSIGN(analysis->journal_, findings::Journal::open(analysis->parts_.journal_path));
  WF_TRY(analysis->configure(options, std::move(publishers)));
  return analysis;
}

Analysis::~Analysis() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  published_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Analysis::start() {
  thread_ = std::thread([this] { run(); });
}

Status Analysis::configure(const Config::Analysis& options,
                           std::vector<std::unique_ptr<plugins::Publisher>> publishers) {
  WF_ASSIGN(agent::Analyst analyst, agent::Analyst::create(options.rules_file));
  std::lock_guard publishing(publishing_);
  std::lock_guard lock(mutex_);
  options_ = options;
  analyst_ = std::make_shared<const agent::Analyst>(std::move(analyst));
  publishers_.clear();
  publisher_errors_.clear();
  for (auto& p : publishers) publishers_.push_back(std::move(p));
  wake_.notify_all();
  return {};
}

Result<findings::Digest> Analysis::run_now(TimeRange range, const std::string& service,
                                           const std::function<void(std::string_view)>& progress) {
  std::shared_ptr<const agent::Analyst> analyst;
  {
    std::lock_guard lock(mutex_);
    analyst = analyst_;
  }
  agent::AnalystRequest request;
  request.range = range;
  request.base = TimeRange{range.start - range.length(), range.start};
  request.service = service;
  request.host = parts_.host;
  return analyst->analyze(*parts_.store, request, progress);
}

findings::Digest Analysis::make_digest(TimeRange range) {
  auto made = run_now(range, "", {});
  findings::Digest digest;
  if (made) {
    digest = *std::move(made);
  } else {
    digest.error = made.error().text();
    digest.range = range;
    digest.host = parts_.host;
    count("digests_failed_total");
  }
  digest.created = now_ns();
  if (auto ebpf = parts_.ebpf_state()) {
    digest.expected_samples = ebpf->expected - ebpf->idle;
    digest.lost_samples = ebpf->lost_samples();
  }
  {
    std::lock_guard lock(mutex_);
    std::ranges::move(notes_, std::back_inserter(digest.notes));
    notes_.clear();
  }
  if (digest.error.empty()) {
    for (findings::Finding& f : journal_->take_filed())
      if (std::ranges::find(digest.findings, f.key, &findings::Finding::key) == digest.findings.end())
        digest.findings.push_back(std::move(f));
    if (Status updated = journal_->update(digest); !updated)
      log_limited(LogLevel::kWarn, "journal", "findings could not be remembered: " + updated.error().text());
  }
  return digest;
}

std::map<std::string, std::string> Analysis::flame_graphs(const findings::Digest& digest) {
  std::map<std::string, std::string> out;
  for (const auto& service : digest.services) {
    if (out.size() >= kMaxFlameGraphs) break;
    auto selector = profile::Selector::of_service("process_cpu:cpu", service.service.raw());
    auto merged = parts_.store->merge(selector, digest.range, {});
    if (!merged) continue;
    converters::FlameGraphOptions options;
    options.title = service.service.raw();
    options.subtitle = "CPU, " + format_time(digest.range.start) + " to " + format_time(digest.range.end);
    std::string base = slug(service.service.raw());
    std::string name = base + ".svg";
    for (int n = 2; out.contains(name); ++n) name = base + "-" + std::to_string(n) + ".svg";
    out[name] = converters::flame_graph_svg(*merged->profile, options);
  }
  return out;
}

void Analysis::publish(const findings::Digest& digest) {
  std::lock_guard publishing(publishing_);
  std::vector<std::shared_ptr<plugins::Publisher>> publishers;
  {
    std::lock_guard lock(mutex_);
    publishers = publishers_;
  }
  plugins::Publication publication{digest, flame_graphs(digest)};
  for (const auto& p : publishers) {
    Status sent = p->publish(publication);
    if (!sent) {
      count("publish_failures_total", error_code_name(sent.error().code));
      log_limited(LogLevel::kWarn, "publish." + p->name(), p->name() + ": " + sent.error().text());
    }
    std::lock_guard lock(mutex_);
    publisher_errors_[p->name()] = sent ? "" : sent.error().text();
  }
  count("digests_total");
  std::lock_guard lock(mutex_);
  last_ = digest;
  ++digests_;
  published_.notify_all();
}

// What to analyse now, if anything: what was asked for, the first digest, or the schedule's.
std::optional<TimeRange> Analysis::due_range(UnixNs now) {
  std::lock_guard lock(mutex_);
  if (asked_) {
    auto range = *asked_;
    asked_.reset();
    return range;
  }
  auto ebpf = parts_.ebpf_state();
  bool collecting = (ebpf && ebpf->windows > 0) || parts_.store->info().profiles > 0;
  if (collecting_since_ == 0 && collecting) collecting_since_ = boot_ns();
  if (next_run_ == 0) next_run_ = options_.schedule.next_after(now);
  if (!first_done_ && options_.first_after > 0) {
    if (collecting_since_ == 0 || boot_ns() - collecting_since_ < options_.first_after) return std::nullopt;
    first_done_ = true;
    next_run_ = options_.schedule.next_after(now);
    // What lies before this start, in a store that was there already, is no part of the first digest.
    return TimeRange{std::max(now - options_.window, now - (boot_ns() - collecting_since_) - 10 * kSecond), now};
  }
  if (now < next_run_) {
    // The clock went back: the run planned before must not wait for it to come again.
    UnixNs planned = options_.schedule.next_after(now);
    next_run_ = std::min(next_run_, planned);
    return std::nullopt;
  }
  next_run_ = options_.schedule.next_after(now);
  return TimeRange{now - options_.window, now};
}

void Analysis::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_ || asked_.has_value(); });
      if (stopping_) return;
    }
    if (auto range = due_range(now_ns())) publish(make_digest(*range));
    std::lock_guard publishing(publishing_);
    std::vector<std::shared_ptr<plugins::Publisher>> publishers;
    {
      std::lock_guard lock(mutex_);
      publishers = publishers_;
    }
    for (const auto& p : publishers) p->retry();
  }
}

Result<findings::Digest> Analysis::publish_now(TimeRange range) {
  std::unique_lock lock(mutex_);
  uint64_t before = digests_;
  asked_ = range;
  wake_.notify_all();
  bool done = published_.wait_for(lock, std::chrono::seconds(120), [&] { return stopping_ || digests_ > before; });
  if (!done || stopping_ || !last_) return fail(ErrorCode::kCancelled, "the digest was not ready in time");
  return *last_;
}

Status Analysis::add_note(std::string note) {
  std::lock_guard lock(mutex_);
  if (notes_.size() >= kMaxNotes) return fail(ErrorCode::kResourceExhausted, "10 notes wait for the next digest");
  notes_.push_back(note.substr(0, kMaxNoteBytes));
  return {};
}

void Analysis::publish_filed() {
  std::lock_guard lock(mutex_);
  if (!last_ || asked_) return;
  asked_ = last_->range;
  wake_.notify_all();
}

std::optional<findings::Digest> Analysis::last_digest() const {
  std::lock_guard lock(mutex_);
  return last_;
}

std::vector<Analysis::PublisherState> Analysis::publishers() const {
  std::lock_guard lock(mutex_);
  std::vector<PublisherState> out;
  for (const auto& p : publishers_) {
    auto it = publisher_errors_.find(p->name());
    out.push_back({p->name(), it == publisher_errors_.end() ? "" : it->second, p->waiting()});
  }
  return out;
}

uint64_t Analysis::digests() const {
  std::lock_guard lock(mutex_);
  return digests_;
}

}  // namespace watchfire::daemon
