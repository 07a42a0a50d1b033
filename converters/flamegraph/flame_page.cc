#include "converters/flamegraph/flame_page.h"

#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "base/untrusted_text.h"
#include "converters/flamegraph/flame_tree.h"
#include "converters/flamegraph/page_parts.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

constexpr size_t kMaxTypes = 16;

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < hex.size(); at += 6) {  // three bytes
    uint32_t word = 0;
    for (size_t k = 0; k < 6; ++k) {
      char c = at + k < hex.size() ? hex[at + k] : '0';
      word = word << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    size_t bytes = std::min<size_t>(3, (hex.size() - at) / 2);
    for (size_t k = 0; k < 4; ++k) out += k <= bytes ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

/// The page with its parts put in. What is put in is not looked at again.
std::string fill(std::string_view page, std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
  std::string out;
  while (!page.empty()) {
    size_t at = page.find("{{"), end = page.find("}}", at);
    out += page.substr(0, at);
    if (end == std::string_view::npos) break;
    for (const auto& [name, text] : parts)
      if (page.substr(at + 2, end - at - 2) == name) out += text;
    page.remove_prefix(end + 2);
  }
  return out;
}

/// Nodes from the root on, each before its children, these in order of name.
std::vector<uint32_t> in_order(const FlameTree& tree) {
  std::vector<uint32_t> order, open = {0};
  while (!open.empty()) {
    uint32_t node = open.back();
    open.pop_back();
    order.push_back(node);
    auto children = tree.children(node);
    open.insert(open.end(), children.rbegin(), children.rend());
  }
  return order;
}

void write_costs(JsonWriter& w, const FlameCosts& costs, const std::vector<uint32_t>& order) {
  w.begin_object();
  for (auto [name, columns] : {std::pair("total", &costs.totals), {"self", &costs.selfs}}) {
    w.key(name).begin_array();
    for (const std::vector<int64_t>& column : *columns) {
      w.begin_array();
      for (uint32_t node : order) w.value(column[node]);
      w.end_array();
    }
    w.end_array();
  }
  w.end_object();
}

std::vector<std::string> remarks(const FlameTree& tree, double share, size_t left_out, size_t types_left_out) {
  std::vector<std::string> notes;
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.3g%%", share * 100);
  if (left_out != 0)
    notes.push_back(std::to_string(left_out) + " frames below " + percent +
                    " are not drawn; what they cost is in their callers.");
  if (tree.frames_cut != 0)
    notes.push_back(std::to_string(tree.frames_cut) + " frames deeper than this page goes are left out.");
  if (types_left_out != 0) notes.push_back(std::to_string(types_left_out) + " sample types are left out.");
  return notes;
}

std::string json_of(const Profile& p, const FlamePageOptions& o) {
  FlameTreeOptions wanted{.columns = {o.column}, .reversed = o.reversed, .base = o.base};
  for (size_t t = 0; t < p.sample_types.size() && wanted.columns.size() < kMaxTypes; ++t)
    if (t != o.column) wanted.columns.push_back(t);
  FlameTree tree = build_flame_tree(p, wanted);
  size_t before = tree.nodes.size();
  double share = prune(tree, o.min_share, o.max_frames);
  std::vector<uint32_t> order = in_order(tree), place(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;

  JsonWriter w;
  w.begin_object().field("title", escape_terminal(o.title)).field("subtitle", escape_terminal(o.subtitle));
  w.field("inverted", o.inverted).field("reversed", o.reversed).field("negate", o.negate);
  w.key("notes").begin_array();
  size_t types = std::max<size_t>(p.sample_types.size(), 1);
  for (const std::string& note : remarks(tree, share, before - tree.nodes.size(), types - wanted.columns.size()))
    w.value(note);
  w.end_array().key("types").begin_array();
  for (size_t t : wanted.columns) {
    bool known = t < p.sample_types.size();
    w.begin_object().field("name", known ? escape_terminal(p.text(p.sample_types[t].type)) : "");
    w.field("unit", known ? escape_terminal(p.text(p.sample_types[t].unit)) : "").end_object();
  }
  // Only names that are left, in the order they come.
  std::vector<uint32_t> name_place(tree.names.size(), profile::kNone), names;
  w.end_array().key("name").begin_array();
  for (uint32_t node : order) {
    uint32_t name = tree.nodes[node].name;
    if (name_place[name] == profile::kNone) {
      name_place[name] = static_cast<uint32_t>(names.size());
      names.push_back(name);
    }
    w.value(uint64_t{name_place[name]});
  }
  w.end_array().key("names").begin_array();
  for (uint32_t name : names) w.value(escape_terminal(tree.names[name]));
  w.end_array().key("parent").begin_array();
  for (uint32_t node : order) w.value(uint64_t{place[tree.nodes[node].parent]});
  w.end_array().key("costs");
  write_costs(w, tree.costs, order);
  w.key("base");
  if (tree.base)
    write_costs(w, *tree.base, order);
  else
    w.null();
  return w.end_object().release();
}

}  // namespace

std::string flame_page_policy() {
  return "default-src 'none'; script-src 'sha256-" + base64_of_hex(page_js_sha256()) + "'; style-src 'sha256-" +
         base64_of_hex(page_css_sha256()) + "'; base-uri 'none'; form-action 'none'";
}

std::string flame_graph_page(const Profile& p, const FlamePageOptions& options) {
  std::string data = json_of(p, options), title = escape_html(options.title), policy = flame_page_policy();
  return fill(page_html(),
              {{"policy", policy}, {"title", title}, {"style", page_css()}, {"script", page_js()}, {"data", data}});
}

}  // namespace watchfire::converters
