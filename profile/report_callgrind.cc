#include <cstdio>
#include <map>
#include <unordered_map>

#include "profile/measurement.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

/// Callgrind's compression of names: "(1) text" the first time, "(1)" afterwards.
class NameIds {
 public:
  std::string operator()(const std::string& name) {
    if (name.empty()) return "";
    auto [it, added] = ids_.try_emplace(name, ids_.size() + 1);
    std::string id = "(" + std::to_string(it->second) + ")";
    return added ? id + " " + name : id;
  }

 private:
  std::unordered_map<std::string, size_t> ids_;
};

/// The address itself, "*" when it repeats the last one, or the difference when that is shorter.
std::string address_text(const NodeInfo* last, uint64_t address) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
  std::string absolute(text);
  if (last == nullptr) return absolute;
  if (last->address == address) return "*";
  std::snprintf(text, sizeof text, "%+lld", static_cast<long long>(address - last->address));
  std::string relative(text);
  return relative.size() < absolute.size() ? relative : absolute;
}

/// Names for callees: nodes of equal name and file that belong to different functions get " [i/n]".
std::vector<std::string> distinct_names(const Graph& g, bool call_tree) {
  using Function = std::tuple<uint32_t, StringId, StringId, StringId, uint64_t, int64_t, int64_t, int64_t>;
  auto function_of = [&](uint32_t i) -> Function {
    NodeInfo info = g.info(i);
    if (info.address != 0 || info.line != 0) info.address = 0, info.line = 0, info.column = 0;
    uint32_t parent = call_tree && !g.nodes[i].in.empty() ? g.edges[g.nodes[i].in[0]].source : kNone;
    return {parent, info.name, info.file, info.object, info.address, info.start_line, info.line, info.column};
  };
  std::map<std::pair<StringId, StringId>, std::map<Function, size_t>> functions;
  for (uint32_t i : g.order) {
    auto& known = functions[{g.info(i).file, g.info(i).name}];
    known.try_emplace(function_of(i), known.size() + 1);
  }
  std::vector<std::string> names(g.nodes.size());
  for (uint32_t i : g.order) {
    const auto& known = functions[{g.info(i).file, g.info(i).name}];
    names[i] = g.table->text(g.info(i).name);
    if (known.size() > 1) {
      names[i] += " [" + std::to_string(known.at(function_of(i))) + "/" + std::to_string(known.size()) + "]";
    }
  }
  return names;
}

}  // namespace

std::string print_callgrind(Report& r) {
  TrimmedGraph t = r.trimmed_graph();
  const Graph& g = t.graph;
  auto cost = [&](int64_t v) { return std::to_string(truncated(scale(v, r.sample_unit(), r.output_unit()).value)); };
  auto text = [&](StringId id) { return std::string(g.table->text(id)); };
  std::vector<std::string> callee_names = distinct_names(g, r.options().call_tree);
  NameIds objects, files, names;
  std::string out = "positions: instr line\nevents: " + r.sample_type_label() + "(" + r.output_unit() + ")\n";
  const NodeInfo* last = nullptr;
  for (uint32_t i : g.order) {
    const NodeInfo& info = g.info(i);
    if (last == nullptr || info.object != last->object || info.file != last->file || info.name != last->name) {
      out += "\nob=" + objects(text(info.object)) + '\n';
      out += "fl=" + files(text(info.file)) + '\n';
      out += "fn=" + names(text(info.name)) + '\n';
    }
    out +=
        address_text(last, info.address) + ' ' + std::to_string(info.line) + ' ' + cost(g.nodes[i].flat_value()) + '\n';
    for (uint32_t e : g.sorted(g.nodes[i].out)) {
      const NodeInfo& callee = g.info(g.edges[e].destination);
      out += "cfl=" + files(text(callee.file)) + '\n';
      out += "cfn=" + names(callee_names[g.edges[e].destination]) + '\n';
      out += "calls=0 " + address_text(last, callee.address) + ' ' + std::to_string(callee.line) + '\n';
      out += "* * " + cost(g.edges[e].weight) + '\n';
    }
    last = &info;
  }
  return out;
}

}  // namespace watchfire::profile
