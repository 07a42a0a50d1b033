#include <algorithm>
#include <cmath>
#include <cstdio>

#include "profile/measurement.h"
#include "profile/paths.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/short_names.h"
#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

constexpr size_t kMaxNodelets = 4;

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(from)) {
      out += to;
      at += from.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string escaped(std::string_view text) {
  return replaced(replaced(replaced(text, "\\", "\\\\"), "\"", "\\\""), "\n", "\\l");
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

/// Grey at 0, towards red at 1 and blue at -1; pale for backgrounds.
std::string color(double score, bool background) {
  double saturation = background ? 0.1 : 1.0;
  double value = background ? 0.93 : 0.7;
  bool undefined = std::isnan(score);  // 0 of a total of 0; upstream's green is then 0
  score = std::max(-1.0, std::min(1.0, score));
  if (std::fabs(score) < 0.2) saturation *= std::fabs(score) / 0.2;
  if (score > 0) score = std::pow(score, 1.0 - 0.7);
  if (score < 0) score = -std::pow(-score, 1.0 - 0.7);
  double red = value, green = value, blue = value;
  if (score < 0) {
    red = green = value * (1 + saturation * score);
  } else {
    green = value * (1 - saturation * score);
    blue = value * (1 - saturation);
  }
  if (undefined) green = 0;
  auto byte = [](double v) { return static_cast<unsigned>(static_cast<uint8_t>(v * 255.0)); };
  char text[16];
  std::snprintf(text, sizeof text, "#%02x%02x%02x", byte(red), byte(green), byte(blue));
  return text;
}

/// Label of a node: its short name, one part a line.
std::string multiline_name(const Graph& g, uint32_t i) {
  const NodeInfo& info = g.info(i);
  std::string name = replaced(escaped(short_function_name(g.table->text(info.name))), "::", "\\n");
  name = replaced(replaced(name, "[...]", "[\xe2\x80\xa6]"), ".", "\\n");
  auto base = [&](StringId id) { return id == 0 ? std::string() : escaped(base_name(g.table->text(id))); };
  std::string label;
  for (const std::string& part : name_parts(info, name, base(info.file), base(info.object))) label += part + "\\n";
  return label;
}

double distance(const Tag& t, const Tag& u) {
  return std::fabs(scale(u.value, u.unit, t.unit).value - static_cast<double>(t.value));
}

/// One tag for a group of numbers, named "least..greatest".
Tag group_tag(const std::vector<Tag>& group) {
  if (group.size() == 1) {
    const Tag& t = group[0];
    return {.name = measurement_label(t.value, t.unit), .flat = t.flat_value(), .cum = t.cum_value()};
  }
  const Tag* least = &group[0];
  const Tag* greatest = &group[0];
  Tag sum = group[0];
  for (size_t i = 1; i < group.size(); ++i) {
    const Tag& t = group[i];
    if (truncated(scale(t.value, t.unit, least->unit).value) < least->value) least = &t;
    if (truncated(scale(t.value, t.unit, greatest->unit).value) > greatest->value) greatest = &t;
    sum.flat = wrapping_add(sum.flat, t.flat);
    sum.flat_div = wrapping_add(sum.flat_div, t.flat_div);
    sum.cum = wrapping_add(sum.cum, t.cum);
    sum.cum_div = wrapping_add(sum.cum_div, t.cum_div);
  }
  return {
      .name = measurement_label(least->value, least->unit) + ".." + measurement_label(greatest->value, greatest->unit),
      .flat = sum.flat_value(),
      .cum = sum.cum_value()};
}

/// At most kMaxNodelets tags: the heaviest, each with the numbers nearest to it.
std::vector<Tag> collapsed(std::vector<Tag> tags, bool by_flat) {
  sort_tags(tags, by_flat);
  if (tags.size() <= kMaxNodelets) return tags;
  std::vector<std::vector<Tag>> groups;
  for (size_t i = 0; i < kMaxNodelets; ++i) groups.push_back({tags[i]});
  for (size_t i = kMaxNodelets; i < tags.size(); ++i) {
    size_t nearest = 0;
    for (size_t g = 1; g < groups.size(); ++g) {
      if (distance(tags[i], groups[g][0]) < distance(tags[i], groups[nearest][0])) nearest = g;
    }
    groups[nearest].push_back(tags[i]);
  }
  std::vector<Tag> result;
  for (const auto& group : groups) result.push_back(group_tag(group));
  sort_tags(result, by_flat);
  return result;
}

class DotWriter {
 public:
  DotWriter(const Report& r, const Graph& g) : r_(r), g_(g), ids_(g.nodes.size(), 0), has_nodelets_(g.nodes.size()) {}

  std::string run(const std::vector<std::string>& header) {
    std::string title = r_.title().empty() ? "unnamed" : r_.title();
    out_ = "digraph \"" + escaped(title) + "\" {\nnode [style=filled fillcolor=\"#f8f8f8\"]\n";
    legend(header);
    if (!g_.order.empty()) nodes_and_edges();
    return out_ + "}\n";
  }

 private:
  void legend(const std::vector<std::string>& header) {
    if (header.empty()) return;
    out_ += "subgraph cluster_L { \"" + escaped(header[0]) + "\" [shape=box fontsize=16 label=\"";
    for (const std::string& line : header) out_ += escaped(line) + "\\l";
    out_ += '"';
    if (!r_.title().empty()) out_ += " tooltip=\"" + escaped(r_.title()) + "\"";
    out_ += "] }\n";
  }

  void nodes_and_edges() {
    double max_flat = 0;
    for (size_t n = 0; n < g_.order.size(); ++n) {
      ids_[g_.order[n]] = n + 1;
      max_flat = std::max(max_flat, static_cast<double>(wrapping_abs(g_.nodes[g_.order[n]].flat_value())));
    }
    std::vector<uint32_t> edges;
    for (uint32_t i : g_.order) {
      add_node(i, max_flat);
      size_t before = out_.size();
      add_nodelets(g_.nodes[i], std::to_string(ids_[i]));
      has_nodelets_[i] = out_.size() != before;
      edges.insert(edges.end(), g_.nodes[i].out.begin(), g_.nodes[i].out.end());
    }
    for (uint32_t e : g_.sorted(edges)) add_edge(g_.edges[e]);
  }

  std::string with_percent(const std::string& value, int64_t v) const {
    return value + " (" + std::string(trimmed(percentage(v, r_.total()))) + ")";
  }

  double score(int64_t value) const {
    return static_cast<double>(value) / static_cast<double>(wrapping_abs(r_.total()));
  }

  void add_node(uint32_t i, double max_flat) {
    int64_t flat = g_.nodes[i].flat_value();
    int64_t cum = g_.nodes[i].cum_value();
    std::string flat_text = r_.format(flat);
    std::string cum_text = flat_text;
    std::string label = multiline_name(g_, i) + (flat != 0 ? with_percent(flat_text, flat) : "0");
    if (cum != flat) {
      cum_text = r_.format(cum);
      label += (flat != 0 ? "\\n" : " ");
      label += "of " + with_percent(cum_text, cum);
    }
    int font = 8;
    auto magnitude = static_cast<double>(wrapping_abs(flat));
    if (max_flat != 0 && flat != 0 && magnitude <= max_flat) {
      font += static_cast<int>(std::ceil(16.0 * std::sqrt(magnitude / max_flat)));
    }
    std::string id = std::to_string(ids_[i]);
    out_ += "N" + id + " [label=\"" + label + "\" id=\"node" + id + "\" fontsize=" + std::to_string(font) +
            " shape=box tooltip=\"" + escaped(g_.name(i)) + " (" + cum_text + ")\" color=\"" +
            color(score(cum), false) + "\" fillcolor=\"" + color(score(cum), true) + "\"]\n";
  }

  void add_nodelet(const std::string& from, const std::string& id, std::string_view name, int64_t weight,
                   std::string_view more) {
    std::string w = r_.format(weight);
    out_ += id + " [label = \"" + std::string(name) + "\" id=\"" + id + "\" fontsize=8 shape=box3d tooltip=\"" + w +
            "\"]\n";
    out_ += from + " -> " + id + " [label=\" " + w + "\" weight=100 tooltip=\"" + w + "\" labeltooltip=\"" + w + "\"" +
            std::string(more) + "]\n";
  }

  void add_nodelets(const Node& n, const std::string& node_id) {
    bool by_flat = !n.out.empty();
    std::vector<Tag> labels = n.label_tags;
    sort_tags(labels, by_flat);
    if (labels.size() > kMaxNodelets) labels.resize(kMaxNodelets);
    for (size_t i = 0; i < labels.size(); ++i) {
      int64_t weight = by_flat ? labels[i].flat_value() : labels[i].cum_value();
      if (weight == 0) continue;
      std::string id = "N" + node_id + "_" + std::to_string(i);
      add_nodelet("N" + node_id, id, labels[i].name, weight, "");
      add_numbers(n, labels[i].name, by_flat, id);
    }
    add_numbers(n, "", by_flat, "N" + node_id);
  }

  void add_numbers(const Node& n, const std::string& label, bool by_flat, const std::string& source) {
    std::vector<Tag> tags;
    for (const Tag& t : n.number_tags) {
      if (t.label == label) tags.push_back(t);
    }
    tags = collapsed(std::move(tags), by_flat);
    for (size_t j = 0; j < tags.size(); ++j) {
      bool flat = by_flat || tags[j].flat_value() == tags[j].cum_value();
      int64_t weight = flat ? tags[j].flat_value() : tags[j].cum_value();
      if (weight == 0) continue;
      add_nodelet(source, "N" + source + "_" + std::to_string(j), tags[j].name, weight,
                  flat ? "" : " style=\"dotted\"");
    }
  }

  /// 1 + |value * factor / total|, at most 1 + factor.
  int64_t thickness(int64_t value, int64_t factor) const {
    int64_t part = wrapping_divide(wrapping_multiply(value, factor), r_.total());
    return 1 + std::min(wrapping_abs(part), factor);
  }

  void add_edge(const Edge& e) {
    std::string w = r_.format(e.value());
    std::string line = "N" + std::to_string(ids_[e.source]) + " -> N" + std::to_string(ids_[e.destination]) +
                       " [label=\" " + w + (e.is_inline ? "\\n (inline)" : "") + "\"";
    if (r_.total() != 0) {
      if (int64_t weight = thickness(e.value(), 100); weight > 1) line += " weight=" + std::to_string(weight);
      if (int64_t width = thickness(e.value(), 5); width > 1) line += " penwidth=" + std::to_string(width);
      line += " color=\"" + color(score(e.value()), false) + "\"";
    }
    std::string tooltip = "\"" + escaped(g_.name(e.source)) + (e.residual ? " ... " : " -> ") +
                          escaped(g_.name(e.destination)) + " (" + w + ")\"";
    line += " tooltip=" + tooltip + " labeltooltip=" + tooltip;
    if (e.residual) line += " style=\"dotted\"";
    if (has_nodelets_[e.source]) line += " minlen=2";
    out_ += line + "]\n";
  }

  const Report& r_;
  const Graph& g_;
  std::vector<size_t> ids_;
  std::vector<bool> has_nodelets_;
  std::string out_;
};

}  // namespace

std::string print_dot(Report& r) {
  TrimmedGraph t = r.trimmed_graph();
  return DotWriter(r, t.graph).run(r.header_lines(t));
}

}  // namespace watchfire::profile
