#include "agent/analyst/finding_builder.h"

#include <re2/re2.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "findings/render.h"
#include "profile/function_totals.h"

namespace watchfire::agent {
namespace {

using findings::Evidence;
using findings::Finding;
using findings::Resource;

constexpr double kSamplesForFullTrust = 50;

double factor_of(Resource r, DurationNs covered) {
  double seconds = std::max(1e-9, static_cast<double>(covered) / static_cast<double>(kSecond));
  switch (r) {
    case Resource::kCpu:
    case Resource::kLocks:
      return 1 / seconds / static_cast<double>(kSecond);
    case Resource::kAllocations:
      return 1 / seconds;
    default:
      return 1;
  }
}

std::string stable_key(const std::string& service, const std::string& cause, const OwnFunction& f) {
  std::string text = service + '\n' + cause + '\n' + f.name + '\n' + f.file;
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
  return hex;
}

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace

std::string shell_quoted(std::string_view word) {
  std::string out = "'";
  for (char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

FindingBuilder::FindingBuilder(const std::string& service, const AnalystRequest& request,
                               const profile::MergeResult& merged, Resource resource, int64_t total, int64_t samples)
    : service_(service),
      request_(request),
      merged_(merged),
      resource_(resource),
      total_(total),
      samples_(samples),
      factor_(factor_of(resource, merged.covered)) {}

std::string FindingBuilder::fill(std::string text, const Finding& f) const {
  char share[32];
  std::snprintf(share, sizeof share, "%.1f %%", f.share * 100);
  std::string function = f.function.empty() ? "no single function" : f.function.raw();
  text = replace_all(std::move(text), "{share}", share);
  text = replace_all(std::move(text), "{amount}", findings::amount_text(resource_, f.amount));
  text = replace_all(std::move(text), "{service}", service_);
  return replace_all(std::move(text), "{function}", function);
}

// The function's own numbers, as a report of the same query gives them.
Evidence FindingBuilder::evidence(const OwnFunction& function, double credited) const {
  Evidence e;
  e.query = profile::Selector::of_service(merged_.type.name + ":" + merged_.type.sample_type, service_).text();
  e.range = request_.range;
  e.tool = function.name.empty() ? "top" : "peek";
  e.function = UntrustedText(function.name);
  const std::string& unit = merged_.type.sample_unit;
  e.numbers.push_back({"total", static_cast<double>(total_), unit});
  if (!function.name.empty()) {
    const profile::Profile& p = *merged_.profile;
    double flat = 0, cum = 0;
    for (const auto& t : profile::function_totals(p, 0).functions) {
      if (p.text(t.name) != function.name || p.text(t.file) != function.file) continue;
      flat += static_cast<double>(t.flat);
      cum += static_cast<double>(t.cum);
    }
    e.numbers.push_back({"flat", flat, unit});
    e.numbers.push_back({"cum", cum, unit});
  }
  e.numbers.push_back({"credited", credited, unit});
  std::string regex = "^" + re2::RE2::QuoteMeta(function.name) + "$";
  if (request_.command_source == "watchfire") {
    e.command = "watchfire " + e.tool + " --service " + shell_quoted(service_) + " --type " + merged_.type.name + ":" +
                merged_.type.sample_type + " --start " + format_time(request_.range.start) + " --end " +
                format_time(request_.range.end + kSecond - 1);
    if (!function.name.empty()) e.command += " -- " + shell_quoted(regex);
  } else {
    e.command = "watchfire pprof -sample_index=" + merged_.type.sample_type +
                (function.name.empty() ? " -top " : " -peek=" + shell_quoted(regex) + " ") + request_.command_source;
  }
  return e;
}

Finding FindingBuilder::begin(const std::string& cause_class, const OwnFunction& function, double amount) const {
  Finding f;
  f.key = stable_key(service_, cause_class, function);
  f.service = UntrustedText(service_);
  f.resource = resource_;
  f.cause_class = cause_class;
  f.function = UntrustedText(function.name);
  f.file = UntrustedText(function.file);
  f.amount = amount;
  f.gain_bound = amount;
  return f;
}

Finding FindingBuilder::of_rule(const Rule& rule, const OwnFunction& function, int64_t value) const {
  Finding f = begin(rule.id, function, amount(value));
  f.share = static_cast<double>(value) / static_cast<double>(total_);
  f.gain_bound = f.amount * rule.gain;
  double behind = f.share * static_cast<double>(samples_);
  f.samples = static_cast<int64_t>(std::llround(behind));
  f.confidence = rule.confidence * (1 - std::exp(-behind / kSamplesForFullTrust));
  f.title = UntrustedText(fill(rule.title, f));
  f.explanation = UntrustedText(fill(rule.explanation, f));
  f.advice = rule.advice;
  f.evidence.push_back(evidence(function, static_cast<double>(value)));
  return f;
}

Finding FindingBuilder::of_change(const std::string& cause_class, const OwnFunction& function, findings::Change change,
                                  int64_t samples) const {
  Finding f = begin(cause_class, function, change.after);
  f.change = change;
  f.gain_bound = change.after - change.before;
  f.share = total_ > 0 ? std::min(1.0, change.after / amount(total_)) : 0;
  f.samples = samples;
  f.confidence = resource_ == Resource::kCpu ? 0.95 : 0.8;
  char percent[32];
  if (change.before > 0)
    std::snprintf(percent, sizeof percent, "%+.0f %%", 100 * (change.after / change.before - 1));
  else
    std::snprintf(percent, sizeof percent, "new");
  std::string from = findings::amount_text(resource_, change.before),
              to = findings::amount_text(resource_, change.after);
  f.title = UntrustedText(fill("{function} costs more than in the window before: ", f) + from + " to " + to + " (" +
                          percent + ")");
  f.explanation = UntrustedText(fill("The cost of {function} in {service} rose from ", f) + from + " to " + to + ".");
  f.advice = "Compare what was deployed or what load came between the two windows.";
  f.evidence.push_back(evidence(function, change.after / factor_));
  return f;
}

}  // namespace watchfire::agent
