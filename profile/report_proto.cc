#include <map>
#include <tuple>

#include "profile/measurement.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {

Profile proto_report(Report& r) {
  Profile p = std::move(r.mutable_profile());
  for (auto& column : p.values) {
    for (int64_t& v : column) v = r.divided(v);
  }
  return p;
}

Profile topproto_report(Report& r) {
  TrimmedGraph t = r.trimmed_graph();
  const Graph& g = t.graph;
  const Profile& p = r.profile();
  Profile out;
  auto text = [&](StringId id) { return out.strings.intern(p.text(id)); };
  out.sample_types = {{out.strings.intern("cum"), out.strings.intern(r.output_unit())},
                      {out.strings.intern("flat"), out.strings.intern(r.output_unit())}};
  out.time_ns = p.time_ns;
  out.duration_ns = p.duration_ns;
  out.period_type = {text(p.period_type.type), text(p.period_type.unit)};
  out.period = p.period;
  std::map<std::tuple<StringId, StringId, int64_t>, uint32_t> functions;
  for (uint32_t i : g.order) {
    const NodeInfo& info = g.info(i);
    auto [it, added] = functions.try_emplace({info.name, info.file, info.start_line}, out.functions.size());
    if (added) {
      Function f{.id = out.functions.size() + 1, .name = text(info.name), .file = text(info.file)};
      f.start_line = info.start_line;
      out.functions.push_back(f);
    }
    Location l{.id = out.locations.size() + 1, .address = info.address, .line_count = 1};
    l.first_line = static_cast<uint32_t>(out.lines.size());
    out.lines.push_back({it->second, info.line, info.column});
    uint32_t stack[] = {static_cast<uint32_t>(out.locations.size())};
    out.locations.push_back(l);
    auto scaled = [&](int64_t v) { return truncated(scale(v, r.sample_unit(), r.output_unit()).value); };
    int64_t row[] = {scaled(g.nodes[i].cum_value()), scaled(g.nodes[i].flat_value())};
    out.add_sample(stack, {}, row);
  }
  return out;
}

}  // namespace watchfire::profile
