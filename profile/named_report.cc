#include "profile/named_report.h"

#include <array>
#include <charconv>

#include "base/json_writer.h"
#include "profile/report_print.h"
#include "profile/report_rows.h"

namespace watchfire::profile {
namespace {

struct Named {
  std::string_view name;
  ReportKind kind;
};
constexpr std::array kReports = {
    Named{"top", ReportKind::kTop},       Named{"tree", ReportKind::kTree},           Named{"peek", ReportKind::kPeek},
    Named{"traces", ReportKind::kTraces}, Named{"tags", ReportKind::kTags},           Named{"raw", ReportKind::kRaw},
    Named{"dot", ReportKind::kDot},       Named{"callgrind", ReportKind::kCallgrind},
};

struct NamedGranularity {
  std::string_view name;
  Granularity granularity;
};
constexpr std::array kGranularities = {
    NamedGranularity{"functions", Granularity::kFunctions},
    NamedGranularity{"filefunctions", Granularity::kFileFunctions},
    NamedGranularity{"files", Granularity::kFiles},
    NamedGranularity{"lines", Granularity::kLines},
    NamedGranularity{"addresses", Granularity::kAddresses},
};

std::unexpected<Error> bad(std::string_view name, std::string_view value, std::string_view expected) {
  return fail(ErrorCode::kInvalidArgument,
              std::string(name) + ": expected " + std::string(expected) + ", found '" + std::string(value) + "'");
}

template <typename Number>
Status read_number(std::string_view name, const std::string& text, Number& out) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc() || end != text.data() + text.size()) return bad(name, text, "a number");
  return {};
}

Status read_option(const std::string& name, const std::string& value, ReportOptions& o) {
  Filters& f = o.filters;
  const std::array<std::pair<std::string_view, std::string*>, 14> texts = {{{"focus", &f.focus},
                                                                            {"ignore", &f.ignore},
                                                                            {"hide", &f.hide},
                                                                            {"show", &f.show},
                                                                            {"show_from", &f.show_from},
                                                                            {"prune_from", &f.prune_from},
                                                                            {"tagfocus", &f.tagfocus},
                                                                            {"tagignore", &f.tagignore},
                                                                            {"tagroot", &o.tagroot},
                                                                            {"tagleaf", &o.tagleaf},
                                                                            {"unit", &o.unit},
                                                                            {"tagshow", &f.tagshow},
                                                                            {"taghide", &f.taghide},
                                                                            {"sample_index", &o.sample_index}}};
  for (const auto& [known, target] : texts)
    if (name == known) return *target = value, Status();
  if (name == "nodecount") return read_number(name, value, o.node_count);
  if (name == "nodefraction") return read_number(name, value, o.node_fraction);
  if (name == "edgefraction") return read_number(name, value, o.edge_fraction);
  if (name == "sort") {
    if (value != "flat" && value != "cum") return bad(name, value, "flat or cum");
    o.cum_sort = value == "cum";
    return {};
  }
  if (name == "granularity") {
    for (const auto& g : kGranularities)
      if (g.name == value) return o.granularity = g.granularity, Status();
    return bad(name, value, "functions, filefunctions, files, lines or addresses");
  }
  if (name == "function" || name == "max_depth") return {};
  return fail(
      Error(ErrorCode::kInvalidArgument, "unknown option '" + name + "'")
          .hinted("known: focus ignore hide show show_from prune_from tagfocus tagignore tagshow taghide tagroot "
                  "tagleaf granularity sample_index sort unit nodecount nodefraction edgefraction function max_depth"));
}

Result<ReportKind> kind_of(std::string_view name) {
  for (const Named& r : kReports)
    if (r.name == name) return r.kind;
  return fail(Error(ErrorCode::kInvalidArgument, "no report '" + std::string(name) + "'")
                  .hinted("one of " + std::string(known_report_names())));
}

std::string param(const ReportParams& params, std::string_view name) {
  auto it = params.find(name);
  return it == params.end() ? std::string() : it->second;
}

void write_row(JsonWriter& w, const TopRow& row) {
  w.field("name", row.name).field("function", row.function).field("file", row.file);
  if (row.line != 0) w.field("line", row.line);
  w.field("flat", row.flat).field("cum", row.cum);
}

std::string top_json(const TopRows& top) {
  JsonWriter w;
  w.begin_object().field("total", top.total).field("shown", top.shown).field("unit", top.unit);
  w.field("all_rows", static_cast<uint64_t>(top.all_nodes)).field("dropped", static_cast<uint64_t>(top.dropped_nodes));
  w.key("rows").begin_array();
  for (const TopRow& row : top.rows) {
    w.begin_object();
    write_row(w, row);
    w.end_object();
  }
  w.end_array().end_object();
  return w.release();
}

void write_neighbours(JsonWriter& w, std::string_view key, const std::vector<Neighbour>& list) {
  w.key(key).begin_array();
  for (const Neighbour& n : list) w.begin_object().field("name", n.name).field("weight", n.weight).end_object();
  w.end_array();
}

std::string peek_json(const std::vector<PeekRow>& rows) {
  JsonWriter w;
  w.begin_object().key("functions").begin_array();
  for (const PeekRow& p : rows) {
    w.begin_object();
    write_row(w, p.row);
    write_neighbours(w, "callers", p.callers);
    write_neighbours(w, "callees", p.callees);
    w.end_object();
  }
  w.end_array().end_object();
  return w.release();
}

std::string tree_json(const CallTree& tree) {
  JsonWriter w;
  w.begin_object().field("total", tree.total).field("unit", tree.unit).key("nodes").begin_array();
  for (const auto& n : tree.nodes) {
    w.begin_object().field("name", n.name).field("self", n.self).field("total", n.total);
    if (n.others != 0) w.field("others", n.others);
    w.field("parent", static_cast<uint64_t>(n.parent)).end_object();
  }
  w.end_array().end_object();
  return w.release();
}

/// The text of a writer that takes a sink, unless it is longer than an answer may be.
template <typename Write>
Result<std::string> bounded(Write write) {
  constexpr size_t kMostBytes = 64u << 20;
  std::string all;
  bool whole = true;
  write([&](std::string_view piece) {
    whole = whole && all.size() + piece.size() <= kMostBytes;
    if (whole) all += piece;
    return whole;
  });
  if (whole) return all;
  return fail(Error(ErrorCode::kResourceExhausted, "the report is longer than 64 MB").hinted("choose with focus"));
}

}  // namespace

std::string_view known_report_names() {
  return "top, tree, peek, traces, tags, raw, dot, callgrind";
}

Result<ReportOptions> read_report_options(const ReportParams& params) {
  ReportOptions options;
  for (const auto& [name, value] : params) WF_TRY(read_option(name, value, options));
  return options;
}

Result<std::string> report_text(const Profile& p, std::string_view name, const ReportParams& params) {
  WF_ASSIGN(ReportKind kind, kind_of(name));
  WF_ASSIGN(ReportOptions options, read_report_options(params));
  std::string function = param(params, "function");
  if (kind == ReportKind::kPeek && function.empty()) function = ".";
  std::vector<std::string> notes;
  WF_ASSIGN(auto report, Report::prepare(p, kind, options, function, notes));
  switch (kind) {
    case ReportKind::kTop:
      return print_top(*report);
    case ReportKind::kTree:
    case ReportKind::kPeek:
      return print_tree(*report);
    case ReportKind::kTraces:
      return bounded([&](const TextSink& sink) { print_traces(*report, sink); });
    case ReportKind::kTags:
      return print_tags(*report);
    case ReportKind::kRaw:
      return bounded([&](const TextSink& sink) { print_raw(*report, sink); });
    case ReportKind::kDot:
      return print_dot(*report);
    default:
      return print_callgrind(*report);
  }
}

Result<std::string> report_json(const Profile& p, std::string_view name, const ReportParams& params) {
  WF_ASSIGN(ReportKind kind, kind_of(name));
  WF_ASSIGN(ReportOptions options, read_report_options(params));
  if (kind == ReportKind::kTop) {
    WF_ASSIGN(TopRows top, top_rows(p, options));
    return top_json(top);
  }
  if (kind == ReportKind::kPeek) {
    std::string function = param(params, "function");
    WF_ASSIGN(auto rows, peek_rows(p, options, function.empty() ? "." : function));
    return peek_json(rows);
  }
  if (kind == ReportKind::kTree) {
    CallTreeLimits limits;
    limits.max_nodes = 2000;
    if (auto depth = param(params, "max_depth"); !depth.empty())
      WF_TRY(read_number("max_depth", depth, limits.max_depth));
    WF_ASSIGN(CallTree tree, call_tree(p, options, limits));
    return tree_json(tree);
  }
  return fail(
      Error(ErrorCode::kInvalidArgument, std::string(name) + " has no JSON form").hinted("ask for format=text"));
}

}  // namespace watchfire::profile
