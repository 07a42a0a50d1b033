#include "findings/render.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace watchfire::findings {
namespace {

std::string format_double(const char* format, double v) {
  char text[64];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

std::string bytes_text(double v) {
  const char* units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t u = 0;
  while (std::fabs(v) >= 1024 && u + 1 < std::size(units)) v /= 1024, ++u;
  return format_double(u == 0 ? "%.0f " : "%.1f ", v) + units[u];
}

std::string percent(double share) {
  return format_double("%.1f %%", share * 100);
}

std::string code(const UntrustedText& text) {
  return "`" + escape_markdown(text.raw()) + "`";
}

std::string samples_text(const Digest& d) {
  if (d.expected_samples == 0) return "";
  double lost = 100.0 * static_cast<double>(d.lost_samples) / static_cast<double>(d.expected_samples);
  return "Based on " + format_double("%.2f", 100 - lost) + " % of the expected samples.";
}

// Files have no place in time: their digest has no range.
std::string range_text(const Digest& d) {
  if (d.range.length() == 0) return "";
  return format_time(d.range.start) + " to " + format_time(d.range.end) + ", ";
}

std::string summary_line(const Digest& d) {
  size_t fresh = 0, worse = 0;
  for (const Finding& f : d.findings) {
    fresh += f.life == Life::kNew;
    worse += f.life == Life::kWorse;
  }
  if (d.findings.empty() && d.fixed.empty()) return "Nothing notable.";
  return std::to_string(d.findings.size()) + " findings (" + std::to_string(fresh) + " new, " + std::to_string(worse) +
         " worse), " + std::to_string(d.fixed.size()) + " fixed.";
}

void markdown_evidence(std::string& out, const Evidence& e) {
  out += "  - " + e.tool + " of `" + escape_markdown(e.query) + "`";
  if (!e.function.empty()) out += " at " + code(e.function);
  out += ":";
  for (const EvidenceNumber& n : e.numbers)
    out += " " + n.name + " " + format_double("%.6g", n.value) + (n.unit.empty() ? "" : " " + n.unit) + ",";
  if (!out.empty() && out.back() == ',') out.pop_back();
  out += "\n";
}

void markdown_finding(std::string& out, const Finding& f, size_t number) {
  out += "\n### " + std::to_string(number) + ". " + escape_markdown(f.title.raw()) + "\n\n";
  out += "- **" + std::string(life_name(f.life)) + "**, service " + code(f.service) + ", cause `" +
         escape_markdown(f.cause_class) + "`\n";
  if (!f.function.empty())
    out += "- function " + code(f.function) + (f.file.empty() ? "" : " in " + code(f.file)) + "\n";
  out += "- cost " + amount_text(f.resource, f.amount) + ", " + percent(f.share) + " of the service's " +
         std::string(resource_name(f.resource)) + "; at most " + amount_text(f.resource, f.gain_bound) + " to gain\n";
  if (f.change)
    out += "- before " + amount_text(f.resource, f.change->before) + ", now " +
           amount_text(f.resource, f.change->after) + "; the change is between " +
           amount_text(f.resource, f.change->low) + " and " + amount_text(f.resource, f.change->high) + " (95 %)\n";
  out += "- confidence " + format_double("%.0f %%", f.confidence * 100) + " from " + std::to_string(f.samples) +
         " samples; by " + escape_markdown(f.author) + "\n";
  if (!f.explanation.empty()) out += "\n" + escape_markdown(f.explanation.raw()) + "\n";
  if (!f.advice.empty()) out += "\nWhat usually helps: " + escape_markdown(f.advice) + "\n";
  if (f.evidence.empty()) return;
  out += "\n- evidence:\n";
  for (const Evidence& e : f.evidence) markdown_evidence(out, e);
  for (const Evidence& e : f.evidence)
    if (!e.command.empty()) {
      out += "- show it again: `" + escape_markdown(e.command) + "`\n";
      break;
    }
}

void markdown_services(std::string& out, const Digest& d) {
  out += "\n## Services\n\n| service | cores | samples | allocates | heap | goroutines | source | |\n";
  out += "|---|---:|---:|---:|---:|---:|---|---|\n";
  for (const ServiceSummary& s : d.services) {
    out +=
        "| " + code(s.service) + " | " + format_double("%.3f", s.cores) + " ± " + format_double("%.3f", s.cores_error);
    out += " | " + std::to_string(s.samples);
    out += " | " + (s.alloc_bytes_per_s < 0 ? std::string("") : bytes_text(s.alloc_bytes_per_s) + "/s");
    out += " | " + (s.heap_bytes < 0 ? std::string("") : bytes_text(s.heap_bytes));
    out += " | " + (s.goroutines < 0 ? std::string("") : format_double("%.0f", s.goroutines));
    out += " | " + escape_markdown(s.source) + " | " + escape_markdown(s.verdict) + " |\n";
  }
}

}  // namespace

std::string amount_text(Resource resource, double v) {
  switch (resource) {
    case Resource::kCpu:
      return format_double("%.3f cores", v);
    case Resource::kAllocations:
      return bytes_text(v) + "/s";
    case Resource::kHeap:
      return bytes_text(v);
    case Resource::kLocks:
      return format_double("%.3f s waited a second", v);
    case Resource::kGoroutines:
      return format_double("%.0f goroutines", v);
  }
  return "";
}

std::string digest_markdown(const Digest& d) {
  std::string out = "# Watchfire on `" + escape_markdown(d.host) + "`\n\n";
  out += range_text(d) + "made " + format_time(d.created) + ".\n\n";
  if (!d.error.empty()) return out + "**This run failed:** " + escape_markdown(d.error) + "\n";
  out += "**" + summary_line(d) + "** " + samples_text(d) + "\n";
  if (!d.findings.empty()) out += "\n## Findings\n";
  for (size_t i = 0; i < d.findings.size(); ++i) markdown_finding(out, d.findings[i], i + 1);
  if (!d.fixed.empty()) {
    out += "\n## Fixed\n\n";
    for (const Finding& f : d.fixed)
      out += "- " + escape_markdown(f.title.raw()) + " (was " + amount_text(f.resource, f.amount) + ")\n";
  }
  if (!d.services.empty()) markdown_services(out, d);
  if (!d.notes.empty()) out += "\n## Notes\n\n";
  for (const std::string& note : d.notes) out += "- " + escape_markdown(note) + "\n";
  return out;
}

std::string digest_text(const Digest& d) {
  std::string out = "Watchfire on " + d.host;
  if (d.range.length() > 0) out += ", " + format_time(d.range.start) + " to " + format_time(d.range.end);
  out += "\n";
  if (!d.error.empty()) return out + "THIS RUN FAILED: " + d.error + "\n";
  out += summary_line(d) + " " + samples_text(d) + "\n";
  for (const Finding& f : d.findings) {
    out += "\n[" + std::string(life_name(f.life)) + "] " + f.title.raw() + "\n";
    out += "    " + f.service.raw() + ": " + amount_text(f.resource, f.amount) + ", " + percent(f.share) + " of its " +
           std::string(resource_name(f.resource)) + ", cause " + f.cause_class;
    if (!f.function.empty()) out += ", function " + f.function.raw();
    out += "\n";
    if (!f.evidence.empty() && !f.evidence.front().command.empty()) out += "    " + f.evidence.front().command + "\n";
  }
  for (const Finding& f : d.fixed) out += "\n[fixed] " + f.title.raw() + "\n";
  if (!d.services.empty()) out += "\nservices by cores:\n";
  size_t shown = 0;
  for (const ServiceSummary& s : d.services) {
    if (++shown > 10) {
      out += "    and " + std::to_string(d.services.size() - 10) + " more\n";
      break;
    }
    out += "    " + format_double("%6.3f", s.cores) + "  " + s.service.raw() +
           (s.verdict.empty() ? "" : "  (" + s.verdict + ")") + "\n";
  }
  for (const std::string& note : d.notes) out += "note: " + note + "\n";
  return out;
}

}  // namespace watchfire::findings
