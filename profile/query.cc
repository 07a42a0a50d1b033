#include "profile/query.h"

#include <algorithm>
#include <set>

namespace watchfire::profile {

void keep_one_cpu_source(const Selector& selector, std::vector<SeriesInfo>& series, std::vector<std::string>& notes) {
  if (selector.names_label("source")) return;
  auto is_cpu = [](const SeriesInfo& s) { return s.type.name == "process_cpu"; };
  auto service = [](const SeriesInfo& s) { return label_or_empty(s.labels, "service_name"); };
  std::set<std::string, std::less<>> by_ebpf;
  for (const SeriesInfo& s : series)
    if (is_cpu(s) && label_or_empty(s.labels, "source") == "ebpf") by_ebpf.emplace(service(s));
  std::set<std::string, std::less<>> left_out;
  std::erase_if(series, [&](const SeriesInfo& s) {
    bool drop = is_cpu(s) && label_or_empty(s.labels, "source") != "ebpf" && by_ebpf.contains(service(s));
    if (drop) left_out.emplace(service(s));
    return drop;
  });
  for (const std::string& name : left_out)
    notes.push_back("CPU of " + name +
                    " is also there from its pprof endpoint; only eBPF's samples are counted "
                    "(ask for source=\"pprof\" to see the others)");
}

Result<ProfileType> single_type(const Selector& selector, const std::vector<SeriesInfo>& series) {
  if (series.empty())
    return fail(Error(ErrorCode::kNotFound, "no profile matches " + selector.text() + " in this range")
                    .hinted("`watchfire services` lists what is there"));
  std::set<std::string> types;
  for (const SeriesInfo& s : series) types.insert(s.type.text());
  if (types.size() == 1) return series.front().type;
  std::string list;
  for (const std::string& t : types) list += (list.empty() ? "" : ", ") + t;
  return fail(Error(ErrorCode::kInvalidArgument,
                    selector.text() + " matches " + std::to_string(types.size()) + " profile types: " + list)
                  .hinted("write one of them in front of the '{'"));
}

DurationNs union_length(std::vector<TimeRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const TimeRange& a, const TimeRange& b) {
    return std::pair(a.start, a.end) < std::pair(b.start, b.end);
  });
  DurationNs total = 0;
  UnixNs reached = INT64_MIN;
  for (const TimeRange& r : ranges) {
    UnixNs from = std::max(r.start, reached);
    if (r.end > from) {
      total += r.end - from;
      reached = r.end;
    }
  }
  return total;
}

}  // namespace watchfire::profile
