#include "collectors/scrape/scraper.h"

#include <glob.h>
#include <xxhash.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/counters.h"
#include "base/fd.h"
#include "base/log.h"
#include "collectors/scrape/delta.h"
#include "converters/decode_any.h"
#include "profile/sample_types.h"

namespace watchfire::collectors {
namespace {

using profile::LabelledProfile;

constexpr size_t kMaxQueuedBytes = 64u << 20;
constexpr size_t kLatenessKept = 1000;
constexpr size_t kMaxSdFileBytes = 8u << 20;
constexpr size_t kMaxSecretBytes = 64u << 10;

// One endpoint of one target.
struct Task {
  std::shared_ptr<const ScrapeJob> job;
  ProfileEndpoint endpoint;
  DeltaTracker delta;   // used by the one worker that has this task's answer
  UnixNs last_end = 0;  // as above
  bool running = false;
  bool has_result = false;
  std::string error;    // of the last scrape; "" when it went well
  DurationNs next = 0;  // CLOCK_BOOTTIME
};

struct Entry {
  Target target;
  TargetState state;
  std::map<std::string, std::shared_ptr<Task>> tasks;  // by endpoint name
};

Result<std::string> read_secret(const std::string& path) {
  WF_ASSIGN(std::string text, read_file(path, kMaxSecretBytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<net::FetchRequest> make_request(const Target& target, const ScrapeJob& job, const ProfileEndpoint& endpoint) {
  net::FetchRequest r;
  r.url = target.url(endpoint);
  r.headers = job.headers;
  r.tls = job.tls;
  r.timeout = job.timeout + endpoint.seconds;
  r.max_body_bytes = job.body_limit;
  if (!job.bearer_token_file.empty()) {
    WF_ASSIGN(std::string token, read_secret(job.bearer_token_file));
    r.headers["Authorization"] = "Bearer " + token;
  }
  if (!job.basic_auth_user.empty()) {
    r.basic_auth_user = job.basic_auth_user;
    WF_ASSIGN(r.basic_auth_password, read_secret(job.basic_auth_password_file));
  }
  return r;
}

Status check_answer(const net::FetchResponse& response) {
  if (response.status == 200) return {};
  std::string message = "the target answered " + std::to_string(response.status);
  if (response.status >= 300 && response.status < 400) message += " (redirects are not followed)";
  if (auto it = response.headers.find("x-go-pprof"); it != response.headers.end() && response.body.size() < 200)
    message += ": " + response.body;
  return fail(ErrorCode::kUnavailable, message);
}

}  // namespace

class Scraper::Impl {
 public:
  Impl(Options options, Sink sink) : options_(options), sink_(std::move(sink)) {
    for (unsigned i = 0; i < std::max(1u, options_.workers); ++i) workers_.emplace_back([this] { work(); });
    scheduler_ = std::thread([this] { schedule(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    work_wake_.notify_all();
    scheduler_.join();
    fetches_.reset();
    for (auto& w : workers_) w.join();
  }

  void set_jobs(std::vector<ScrapeJob> jobs) {
    std::vector<std::shared_ptr<const ScrapeJob>> shared;
    for (ScrapeJob& job : jobs) shared.push_back(std::make_shared<const ScrapeJob>(std::move(job)));
    {
      std::lock_guard lock(mutex_);
      jobs_ = std::move(shared);
      file_groups_.clear();
    }
    refresh_configured();
  }

  void set_local_targets(const ScrapeJob& job, std::vector<Target> targets) {
    auto shared = std::make_shared<const ScrapeJob>(job);
    std::vector<std::pair<std::shared_ptr<const ScrapeJob>, Target>> all;
    for (Target& t : targets) all.emplace_back(shared, std::move(t));
    replace("local/" + job.name, std::move(all));
  }

  std::vector<TargetState> states() const {
    std::lock_guard lock(mutex_);
    std::vector<TargetState> out;
    for (const auto& [key, entry] : entries_) out.push_back(entry->state);
    return out;
  }

  Lateness lateness() const {
    std::lock_guard lock(mutex_);
    Lateness l;
    l.scrapes = started_;
    if (lateness_.empty()) return l;
    std::vector<DurationNs> sorted(lateness_.begin(), lateness_.end());
    std::ranges::sort(sorted);
    l.p50 = sorted[sorted.size() / 2];
    l.p99 = sorted[std::min(sorted.size() - 1, sorted.size() * 99 / 100)];
    l.max = sorted.back();
    return l;
  }

 private:
  // One scrape's answer, with what it was asked for: a reload may change the task meanwhile.
  struct Work {
    std::shared_ptr<Entry> entry;
    std::shared_ptr<Task> task;
    std::shared_ptr<const ScrapeJob> job;
    ProfileEndpoint endpoint;
    Labels labels;
    Result<net::FetchResponse> response;
    UnixNs received = 0;
  };

  void refresh_configured();
  std::vector<TargetGroup> read_file_groups(const ScrapeJob& job);
  void replace(const std::string& origin, std::vector<std::pair<std::shared_ptr<const ScrapeJob>, Target>> targets);
  void schedule();
  void start(const std::shared_ptr<Entry>& entry, const std::shared_ptr<Task>& task);
  void work();
  Status convert(Work& w);
  void finish(const Work& w, const Status& status);

  const Options options_;
  const Sink sink_;
  std::unique_ptr<net::FetchLoop> fetches_ = std::make_unique<net::FetchLoop>();

  mutable std::mutex mutex_;
  std::condition_variable wake_, work_wake_;
  // Guarded by mutex_:
  std::vector<std::shared_ptr<const ScrapeJob>> jobs_;
  std::map<std::string, std::vector<TargetGroup>> file_groups_;  // last good content by file
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::deque<Work> queue_;
  size_t queued_bytes_ = 0;
  std::deque<DurationNs> lateness_;
  uint64_t started_ = 0;
  bool stopping_ = false;

  std::thread scheduler_;
  std::vector<std::thread> workers_;
};

std::vector<TargetGroup> Scraper::Impl::read_file_groups(const ScrapeJob& job) {
  std::vector<TargetGroup> out;
  for (const std::string& pattern : job.file_sd_files) {
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) {
        std::string path = found.gl_pathv[i];
        auto text = read_file(path, kMaxSdFileBytes);
        auto groups =
            text ? read_target_groups(*text) : Result<std::vector<TargetGroup>>(std::unexpected(text.error()));
        std::lock_guard lock(mutex_);
        if (groups) {
          for (TargetGroup& g : *groups) g.labels["__meta_filepath"] = path;
          file_groups_[path] = *groups;
        } else {
          count("file_sd_errors_total");
          log_limited(LogLevel::kWarn, "file_sd." + path,
                      path + ": " + groups.error().text() + "; its last good content stays");
        }
        const auto& kept = file_groups_[path];
        out.insert(out.end(), kept.begin(), kept.end());
      }
    }
    ::globfree(&found);
  }
  return out;
}

void Scraper::Impl::refresh_configured() {
  std::vector<std::shared_ptr<const ScrapeJob>> jobs;
  {
    std::lock_guard lock(mutex_);
    jobs = jobs_;
  }
  std::vector<std::pair<std::shared_ptr<const ScrapeJob>, Target>> all;
  for (const auto& job : jobs) {
    std::vector<TargetGroup> groups = job->static_configs;
    std::vector<TargetGroup> from_files = read_file_groups(*job);
    groups.insert(groups.end(), from_files.begin(), from_files.end());
    for (Target& t : make_targets(*job, groups)) all.emplace_back(job, std::move(t));
  }
  replace("config", std::move(all));
}

void Scraper::Impl::replace(const std::string& origin,
                            std::vector<std::pair<std::shared_ptr<const ScrapeJob>, Target>> targets) {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::shared_ptr<Entry>> kept;
  for (auto& [key, entry] : entries_)
    if (entry->state.origin != origin) kept[key] = entry;
  DurationNs now = boot_ns();
  for (auto& [job, target] : targets) {
    std::string key = origin + '\n' + target.key();
    auto& entry = kept[key];
    if (auto old = entries_.find(key); old != entries_.end())
      entry = old->second;
    else {
      entry = std::make_shared<Entry>();
      entry->state = {target.job, target.scheme + "://" + target.address + target.path_prefix, target.labels};
      entry->state.error = "not scraped yet";
      entry->state.origin = origin;
    }
    entry->target = std::move(target);
    std::map<std::string, std::shared_ptr<Task>> tasks;
    for (const auto& [name, endpoint] : job->endpoints) {
      if (!endpoint.enabled) continue;
      auto& task = tasks[name];
      if (auto old = entry->tasks.find(name); old != entry->tasks.end())
        task = old->second;
      else
        task = std::make_shared<Task>();
      bool same = task->job && task->job->interval == job->interval;
      task->job = job;
      task->endpoint = endpoint;
      if (!same) {
        std::string url = entry->target.url(endpoint);
        task->next =
            now + static_cast<DurationNs>(XXH3_64bits(url.data(), url.size()) % static_cast<uint64_t>(job->interval));
      }
    }
    entry->tasks = std::move(tasks);
  }
  entries_ = std::move(kept);
  wake_.notify_all();
}

void Scraper::Impl::schedule() {
  DurationNs next_refresh = boot_ns() + kSecond;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    DurationNs now = boot_ns();
    DurationNs soonest = now + kSecond;
    std::vector<std::pair<std::shared_ptr<Entry>, std::shared_ptr<Task>>> due;
    for (auto& [key, entry] : entries_) {
      for (auto& [name, task] : entry->tasks) {
        if (task->next <= now) {
          DurationNs late = now - task->next;
          task->next += (late / task->job->interval + 1) * task->job->interval;
          if (task->running) {
            count("scrapes_skipped_total", "still_running");
            continue;
          }
          task->running = true;
          lateness_.push_back(late);
          if (lateness_.size() > kLatenessKept) lateness_.pop_front();
          ++started_;
          due.emplace_back(entry, task);
        }
        soonest = std::min(soonest, task->next);
      }
    }
    DurationNs refresh = kMinute * 5;
    for (const auto& job : jobs_)
      if (!job->file_sd_files.empty()) refresh = std::min(refresh, job->file_sd_refresh);
    bool refresh_now = now >= next_refresh;
    lock.unlock();
    for (auto& [entry, task] : due) start(entry, task);
    if (refresh_now) {
      next_refresh = now + refresh;
      refresh_configured();
    }
    lock.lock();
    if (!stopping_) wake_.wait_for(lock, std::chrono::nanoseconds(std::max<DurationNs>(0, soonest - boot_ns())));
  }
}

void Scraper::Impl::start(const std::shared_ptr<Entry>& entry, const std::shared_ptr<Task>& task) {
  count("scrapes_total");
  Target target;
  Work work{entry, task, nullptr, {}, {}, fail(ErrorCode::kInternal, "not asked yet"), 0};
  {
    std::lock_guard lock(mutex_);
    target = entry->target;
    work.job = task->job;
    work.endpoint = task->endpoint;
    work.labels = target.labels;
  }
  auto request = make_request(target, *work.job, work.endpoint);
  auto done = [this, work = std::move(work)](Result<net::FetchResponse> response) mutable {
    size_t bytes = response ? response->body.size() : 0;
    std::lock_guard lock(mutex_);
    if (queued_bytes_ + bytes > kMaxQueuedBytes) {
      count_lost("scrapes", "decode_queue_full");
      response = fail(ErrorCode::kResourceExhausted, "too many answers wait to be decoded");
      bytes = 0;
    }
    queued_bytes_ += bytes;
    work.response = std::move(response);
    work.received = now_ns();
    queue_.push_back(std::move(work));
    work_wake_.notify_one();
  };
  if (request)
    fetches_->start(*std::move(request), std::move(done));
  else
    done(fail(request.error()));
}

void Scraper::Impl::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Work w = std::move(queue_.front());
    queue_.pop_front();
    if (w.response) queued_bytes_ -= w.response->body.size();
    lock.unlock();
    Status status = convert(w);
    lock.lock();
    finish(w, status);
  }
}

Status Scraper::Impl::convert(Work& w) {
  if (!w.response) return fail(w.response.error());
  WF_TRY(check_answer(*w.response));
  WF_ASSIGN(profile::Profile scraped, converters::decode_any(w.response->body, options_.limits));
  const std::string& name = w.endpoint.profile_name;
  TimeRange range{w.task->last_end != 0 ? w.task->last_end : w.received - w.job->interval, w.received};
  if (scraped.duration_ns > 0) range.start = w.received - scraped.duration_ns;
  if (range.start >= range.end) range.start = range.end - kMillisecond;
  profile::Profile stored = w.task->delta.next(scraped, name);
  w.task->last_end = w.received;
  if (stored.sample_types.empty()) return {};
  LabelledProfile out{w.labels, name, range, std::make_shared<const profile::Profile>(std::move(stored))};
  return sink_({std::move(out)});
}

// With the lock held.
void Scraper::Impl::finish(const Work& w, const Status& status) {
  w.task->running = false;
  TargetState& s = w.entry->state;
  s.last_scrape = w.received;
  ++s.scrapes;
  if (w.response) {
    s.last_duration = w.response->duration;
    s.last_bytes = w.response->body.size();
  }
  w.task->has_result = true;
  w.task->error.clear();
  if (!status) {
    w.task->error = w.endpoint.path + ": " + status.error().message;
    ++s.failures;
    count("scrape_failures_total", error_code_name(status.error().code));
  }
  s.up = false;
  s.error.clear();
  for (const auto& [name, task] : w.entry->tasks) {
    if (!task->has_result) continue;
    if (task->error.empty())
      s.up = true;
    else
      s.error += (s.error.empty() ? "" : "; ") + task->error;
  }
}

Scraper::Scraper(Options options, Sink sink) : impl_(std::make_unique<Impl>(options, std::move(sink))) {}
Scraper::~Scraper() = default;
void Scraper::set_jobs(std::vector<ScrapeJob> jobs) {
  impl_->set_jobs(std::move(jobs));
}
void Scraper::set_local_targets(const ScrapeJob& job, std::vector<Target> targets) {
  impl_->set_local_targets(job, std::move(targets));
}
std::vector<TargetState> Scraper::states() const {
  return impl_->states();
}
Scraper::Lateness Scraper::lateness() const {
  return impl_->lateness();
}

}  // namespace watchfire::collectors
