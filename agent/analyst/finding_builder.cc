#include "agent/analyst/finding_builder.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "agent/analyst/function_name.h"
#include "findings/render.h"
#include "profile/function_totals.h"
#include "profile/regex.h"

namespace watchfire::agent {
namespace {

using findings::Evidence;
using findings::Finding;
using findings::Resource;

constexpr double kSamplesForFullTrust = 50;

std::string replace_all(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string percent_text(const findings::Change& c) {
  if (c.before <= 0) return "new";
  char text[32];
  std::snprintf(text, sizeof text, "%+.0f %%", 100 * (c.after / c.before - 1));
  return text;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

double amount_factor(Resource r, DurationNs covered) {
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

std::string finding_key(const std::string& service, const std::string& cause, const OwnFunction& f) {
  std::string text = service + '\n' + cause + '\n' + stable_name(f.name);
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
  return hex;
}

std::string evidence_command(const std::string& service, const profile::ProfileType& type, TimeRange range,
                             const std::string& function) {
  std::string command = std::string("watchfire ") + (function.empty() ? "top" : "peek") + " --service " +
                        shell_quoted(service) + " --type " + type.name + ":" + type.sample_type + " --start " +
                        format_time(range.start) + " --end " + format_time(range.end + kSecond - 1);
  if (!function.empty()) command += " -- " + shell_quoted("^" + profile::quoted_pattern(function) + "$");
  return command;
}

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
      factor_(amount_factor(resource, merged.covered)) {}

// Names come in last, so that nothing inside them is taken for a placeholder.
std::string FindingBuilder::fill(std::string text, const Finding& f) const {
  char share[32];
  std::snprintf(share, sizeof share, "%.1f %%", f.share * 100);
  text = replace_all(std::move(text), "{share}", share);
  text = replace_all(std::move(text), "{amount}", findings::amount_text(resource_, f.amount));
  if (f.change) {
    text = replace_all(std::move(text), "{before}", findings::amount_text(resource_, f.change->before));
    text = replace_all(std::move(text), "{after}", findings::amount_text(resource_, f.change->after));
    text = replace_all(std::move(text), "{percent}", percent_text(*f.change));
  }
  text = replace_all(std::move(text), "{service}", one_line(service_));
  return replace_all(std::move(text), "{function}",
                     f.function.empty() ? "no single function" : one_line(f.function.raw()));
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
      if (p.text(t.name) != function.name) continue;
      flat += static_cast<double>(t.flat);
      cum += static_cast<double>(t.cum);
    }
    e.numbers.push_back({"flat", flat, unit});
    e.numbers.push_back({"cum", cum, unit});
  }
  e.numbers.push_back({"credited", credited, unit});
  if (!request_.files) {
    e.command = evidence_command(service_, merged_.type, request_.range, function.name);
    return e;
  }
  e.command = "watchfire pprof -sample_index=" + merged_.type.sample_type;
  e.command +=
      function.name.empty() ? " -top" : " -peek=" + shell_quoted("^" + profile::quoted_pattern(function.name) + "$");
  for (const std::string& file : request_.files(*profile::Selector::parse(e.query), request_.range))
    e.command += " " + shell_quoted(file);
  return e;
}

Finding FindingBuilder::begin(const std::string& cause_class, const OwnFunction& function, double amount) const {
  Finding f;
  f.key = finding_key(service_, cause_class, function);
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

Finding FindingBuilder::of_change(const ChangeRule& rule, const OwnFunction& function, findings::Change change,
                                  int64_t samples) const {
  Finding f = begin(rule.id, function, change.after);
  f.change = change;
  f.gain_bound = change.after - change.before;
  f.share = total_ > 0 ? std::min(1.0, change.after / amount(total_)) : 0;
  f.samples = samples;
  f.confidence = rule.confidence;
  f.title = UntrustedText(fill(rule.title, f));
  f.explanation = UntrustedText(fill(rule.explanation, f));
  f.advice = rule.advice;
  f.evidence.push_back(evidence(function, change.after / factor_));
  return f;
}

}  // namespace watchfire::agent
