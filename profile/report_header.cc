#include <cstdio>
#include <ctime>

#include "profile/measurement.h"
#include "profile/paths.h"
#include "profile/report.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

constexpr size_t kMaxFilterBytes = 80;

/// "2026-11-24 12:00:00 UTC" in the local zone.
std::string local_time(UnixNs t) {
  time_t seconds = t / 1'000'000'000 - (t % 1'000'000'000 < 0 ? 1 : 0);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[80];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &parts)};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

std::string dropped(size_t n, std::string_view what, std::string_view measure, std::string_view limit) {
  return "Dropped " + std::to_string(n) + " " + std::string(what) + (n > 1 ? "s" : "") + " (" + std::string(measure) +
         " <= " + std::string(limit) + ")";
}

}  // namespace

std::vector<std::string> Report::profile_lines() const {
  std::vector<std::string> lines;
  const Profile& p = profile_;
  if (!p.mappings.empty()) {
    const Mapping& m = p.mappings[0];
    if (m.file != 0) lines.push_back("File: " + std::string(base_name(p.text(m.file))));
    if (m.build_id != 0) lines.push_back("Build ID: " + std::string(p.text(m.build_id)));
  }
  for (StringId c : p.comments) {
    if (!p.text(c).starts_with('#')) lines.emplace_back(p.text(c));
  }
  if (!sample_type().empty()) lines.push_back("Type: " + sample_type_label());
  if (p.doc_url != 0) lines.push_back("Doc: " + std::string(p.text(p.doc_url)));
  if (p.time_ns != 0) lines.push_back("Time: " + local_time(p.time_ns));
  if (p.duration_ns != 0) {
    Measurement nanos = scale(total_, sample_unit(), "nanoseconds");
    std::string ratio;
    if (nanos.unit == "ns" && nanos.value != 0) ratio = "(" + percentage(truncated(nanos.value), p.duration_ns) + ")";
    lines.push_back("Duration: " + measurement_label(p.duration_ns, "nanoseconds") +
                    ", Total samples = " + format(total_) + " " + ratio);
  }
  return lines;
}

std::vector<std::string> Report::header_lines(const TrimmedGraph& t) const {
  bool full = kind_ == ReportKind::kDot;
  std::vector<std::string> lines;
  if (full || !options_.compact_labels) lines = profile_lines();
  if (!active_filters_.empty()) lines.push_back("Active filters:");
  for (const std::string& filter : active_filters_) {
    bool cut = filter.size() > kMaxFilterBytes;
    lines.push_back("   " + filter.substr(0, kMaxFilterBytes) + (cut ? "\xe2\x80\xa6" : ""));
  }
  int64_t shown = 0;
  for (uint32_t i : t.graph.order) shown = wrapping_add(shown, t.graph.nodes[i].flat_value());
  lines.push_back("Showing nodes accounting for " + format(shown) + ", " +
                  std::string(trimmed(percentage(shown, total_))) + " of " + format(total_) + " total");
  if (total_ != 0) {
    auto limit = [&](double fraction) {
      return format(wrapping_abs(truncated(static_cast<double>(total_) * fraction)));
    };
    if (t.dropped_nodes > 0) lines.push_back(dropped(t.dropped_nodes, "node", "cum", limit(options_.node_fraction)));
    if (full && t.dropped_edges > 0) {
      lines.push_back(dropped(t.dropped_edges, "edge", "freq", limit(options_.edge_fraction)));
    }
    size_t n = t.graph.order.size();
    if (n > 0 && n < t.original_count) {
      lines.push_back("Showing top " + std::to_string(n) + " nodes out of " + std::to_string(t.original_count));
    }
  }
  if (full) lines.push_back("\nSee https://git.io/JfYMW for how to read the graph");
  return lines;
}

}  // namespace watchfire::profile
