#include "findings/journal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <set>
#include <utility>

#include "base/fd.h"
#include "base/json_tree.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "findings/render.h"

namespace watchfire::findings {
namespace {

constexpr size_t kMaxFindings = 10'000;
constexpr size_t kMaxFiled = 100;
constexpr size_t kMaxFileBytes = 64u << 20;
constexpr DurationNs kForgetAfter = 90 * 24 * kHour;
constexpr double kWorseFactor = 4.0 / 3;

// One standard error of an amount that rests on n samples.
double uncertainty(const Finding& f) {
  return f.samples > 0 ? f.amount / std::sqrt(static_cast<double>(f.samples) * std::max(f.share, 1e-6)) : f.amount;
}

bool is_worse(const Finding& now, const Finding& before) {
  double growth = now.amount - before.amount;
  return now.amount > before.amount * kWorseFactor && growth > 3 * (uncertainty(now) + uncertainty(before));
}

}  // namespace

namespace {

/// Findings of one file; none when it is missing, or damaged, which sets it aside.
Result<std::vector<Finding>> read_findings(const std::string& path) {
  auto text = read_file(path, kMaxFileBytes);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::vector<Finding>();
    return fail(text.error().with("the findings journal"));
  }
  auto digest = parse_digest(*text);
  if (digest) return std::move(digest->findings);
  log_warn("the findings journal " + path + " is damaged and set aside: " + digest.error().message);
  ::rename(path.c_str(), (path + ".damaged").c_str());
  return std::vector<Finding>();
}

Status write_findings(const std::string& path, std::vector<Finding> findings) {
  Digest all;
  all.created = now_ns();
  all.findings = std::move(findings);
  return write_file_atomically(path, digest_json(all), 0640);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path) {
  std::unique_ptr<Journal> journal(new Journal(path));
  WF_ASSIGN(auto known, read_findings(path));
  for (Finding& f : known) journal->known_[f.key] = std::move(f);
  WF_ASSIGN(journal->filed_, read_findings(path + ".filed"));
  return journal;
}

Status Journal::save_locked() const {
  std::vector<Finding> all;
  for (const auto& [key, f] : known_) all.push_back(f);
  return write_findings(path_, std::move(all));
}

Status Journal::save_filed_locked() const {
  std::string path = path_ + ".filed";
  if (!filed_.empty()) return write_findings(path, filed_);
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return fail(system_error(errno, "removing " + path));
  return {};
}

Status Journal::update(Digest& digest) {
  std::lock_guard lock(mutex_);
  std::set<std::string> judged, seen;
  for (const ServiceSummary& s : digest.services)
    if (s.verdict != "too few samples") judged.insert(s.service.raw());
  // What a model filed as fixed was measured so; a model that says nothing of its finding has not judged it.
  for (const Finding& f : digest.findings) {
    auto it = f.life == Life::kFixed ? known_.find(f.key) : known_.end();
    if (it == known_.end() || it->second.life == Life::kFixed) continue;
    it->second.life = Life::kFixed;
    it->second.last_seen = digest.created;
    digest.fixed.push_back(it->second);
  }
  std::erase_if(digest.findings, [](const Finding& f) { return f.life == Life::kFixed; });
  for (Finding& f : digest.findings) {
    seen.insert(f.key);
    auto it = known_.find(f.key);
    bool is_known = it != known_.end() && it->second.life != Life::kFixed;
    if (!is_known)
      f.life = Life::kNew;
    else if (is_worse(f, it->second))
      f.life = Life::kWorse;
    else
      f.life = it->second.life == Life::kAccepted ? Life::kAccepted : Life::kOpen;
    f.first_seen = is_known ? it->second.first_seen : digest.created;
    f.last_seen = digest.created;
    // A finding that creeps up is measured against where it was first called open, not against yesterday.
    Finding kept = f;
    if (is_known && f.life == Life::kOpen) kept.amount = it->second.amount;
    known_[f.key] = std::move(kept);
  }
  for (auto& [key, f] : known_) {
    if (seen.contains(key) || f.life == Life::kFixed || f.author == "model" || !judged.contains(f.service.raw()))
      continue;
    f.life = Life::kFixed;
    f.last_seen = digest.created;
    digest.fixed.push_back(f);
  }
  std::erase_if(known_, [&](const auto& k) { return k.second.last_seen < digest.created - kForgetAfter; });
  while (known_.size() > kMaxFindings)
    known_.erase(std::ranges::min_element(known_, {}, [](const auto& k) { return k.second.last_seen; }));
  WF_TRY(save_locked());
  return save_filed_locked();
}

Status Journal::file(Finding finding) {
  std::lock_guard lock(mutex_);
  if (filed_.size() >= kMaxFiled)
    return fail(ErrorCode::kResourceExhausted, "more than 100 filed findings wait for the next digest");
  if (finding.key.empty()) return fail(ErrorCode::kInvalidArgument, "finding: the key 'key' is required");
  std::erase_if(filed_, [&](const Finding& f) { return f.key == finding.key; });
  filed_.push_back(std::move(finding));
  return save_filed_locked();
}

std::vector<Finding> Journal::take_filed() {
  std::lock_guard lock(mutex_);
  return std::exchange(filed_, {});
}

Status Journal::accept(const std::string& key) {
  std::lock_guard lock(mutex_);
  auto it = known_.find(key);
  if (it == known_.end())
    return fail(
        Error(ErrorCode::kNotFound, "no finding has the key '" + key + "'").hinted("`watchfire findings` lists them"));
  it->second.life = Life::kAccepted;
  return save_locked();
}

std::vector<Finding> Journal::open_findings() const {
  std::lock_guard lock(mutex_);
  std::vector<Finding> out;
  for (const auto& [key, f] : known_)
    if (f.life != Life::kFixed) out.push_back(f);
  std::ranges::sort(out, std::greater<>(), &Finding::last_seen);
  return out;
}

}  // namespace watchfire::findings
