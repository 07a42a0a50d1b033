#include <algorithm>
#include <map>

#include "profile/measurement.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/source_reader.h"
#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

constexpr int64_t kMargin = 5;  // lines shown before the first and after the last with samples

struct Sums {
  int64_t flat = 0;
  int64_t cum = 0;
  void add(const Node& n) {
    flat = wrapping_add(flat, n.flat);
    cum = wrapping_add(cum, n.cum);
  }
};

/// Which lines of a file to show for the nodes of one function, and what each of them weighs.
struct Listing {
  int64_t first = 0;
  int64_t last = 0;
  std::map<int64_t, Sums> lines;
  Sums total;
};

Listing make_listing(const Graph& g, const std::vector<uint32_t>& nodes) {
  Listing l;
  const NodeInfo& head = g.info(nodes[0]);
  l.first = head.start_line != 0 ? head.start_line : head.line - kMargin;
  l.last = head.line + kMargin;
  for (uint32_t i : nodes) {
    const NodeInfo& info = g.info(i);
    int64_t first = info.start_line != 0 ? info.start_line : info.line - kMargin;
    int64_t last = info.line + kMargin;
    if (first < l.first) {
      l.first = first;
    } else if (last > l.last) {
      l.last = last;
    }
    l.lines[info.line].add(g.nodes[i]);
    l.total.add(g.nodes[i]);
  }
  l.first = std::max<int64_t>(l.first, 1);
  return l;
}

void append_file(std::string& out, const Report& r, SourceReader& reader, const std::string& function,
                 const std::string& file, const Listing& listing) {
  out += "ROUTINE ======================== " + function + " in " + file + '\n';
  append_right(out, r.format(listing.total.flat), 10);
  out += ' ';
  append_right(out, r.format(listing.total.cum), 10);
  out += " (flat, cum) " + percentage(listing.total.cum, r.total()) + " of Total\n";
  // As upstream: a file that no line is needed of is not opened, so that it being missing goes unnoticed.
  if (listing.first > listing.last && !reader.was_read(file)) return;
  const auto& source = reader.lines(file);
  if (!source) {
    out += " Error: " + source.error().message + '\n';
    return;
  }
  for (int64_t n = listing.first; n <= listing.last && n <= static_cast<int64_t>(source->size()); ++n) {
    auto it = listing.lines.find(n);
    Sums sums = it == listing.lines.end() ? Sums{} : it->second;
    append_right(out, r.format_or_dot(sums.flat), 10);
    out += ' ';
    append_right(out, r.format_or_dot(sums.cum), 10);
    out += ' ';
    append_right(out, std::to_string(n), 6);
    out += ":" + (*source)[static_cast<size_t>(n - 1)] + '\n';
  }
}

}  // namespace

Result<std::string> print_list(Report& r) {
  Graph g = r.full_graph();
  using Files = std::map<std::string, std::vector<uint32_t>>;
  std::map<std::string, Files> functions;
  for (uint32_t i : g.order) {
    std::string name(g.table->text(g.info(i).name));
    if (r.symbol() == nullptr || !r.symbol()->matches(name)) continue;
    Files& files = functions[name];
    if (g.info(i).file != 0) files[std::string(g.table->text(g.info(i).file))].push_back(i);
  }
  if (functions.empty()) {
    return fail(ErrorCode::kNotFound,
                "no matches found for regexp: " + (r.symbol() != nullptr ? r.symbol()->pattern() : ""));
  }
  SourceReader reader(r.options().source_path, r.options().trim_path);
  std::string out = "Total: " + r.format(r.total()) + '\n';
  for (const auto& [function, files] : functions) {
    if (files.empty()) out += "No source information for " + function + '\n';
    for (const auto& [file, nodes] : files) append_file(out, r, reader, function, file, make_listing(g, nodes));
  }
  return out;
}

}  // namespace watchfire::profile
