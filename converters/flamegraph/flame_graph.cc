#include "converters/flamegraph/flame_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/untrusted_text.h"
#include "converters/frame_names.h"
#include "profile/measurement.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

constexpr int kFrameHeight = 16;
constexpr int kFontSize = 12;
constexpr double kFontWidth = 0.59;
constexpr int kPadX = 10;
constexpr size_t kMaxDepth = 512;
constexpr size_t kMaxFrames = 50'000;

// A node of the call tree, by name; children in order of name, as flamegraph.pl sorts its stacks.
struct Node {
  int64_t total = 0;
  std::map<std::string, Node, std::less<>> children;
};

Node build_tree(const Profile& p, size_t column) {
  Node root;
  std::vector<int64_t> sums(p.stacks.size());
  for (size_t i = 0; i < p.sample_count(); ++i) sums[p.sample_stacks[i]] += p.values[column][i];
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    if (sums[s] <= 0) continue;
    root.total += sums[s];
    Node* node = &root;
    for (std::string& name : stack_names(p, p.stacks[s], kMaxDepth)) {
      node = &node->children[std::move(name)];
      node->total += sums[s];
    }
  }
  return root;
}

// flamegraph.pl's hot palette, chosen by a hash of the name so that a function keeps its colour.
std::string color(std::string_view name) {
  uint32_t h = 2166136261u;
  for (char c : name) h = (h ^ static_cast<uint8_t>(c)) * 16777619u;
  auto part = [&](int shift) { return (h >> shift & 255) / 255.0; };
  char text[32];
  std::snprintf(text, sizeof text, "rgb(%d,%d,%d)", 205 + static_cast<int>(50 * part(0)),
                static_cast<int>(230 * part(8)), static_cast<int>(55 * part(16)));
  return text;
}

std::string fixed(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", v);
  return text;
}

std::string cut_to_width(const std::string& name, double width) {
  auto fits = static_cast<size_t>(std::max(0.0, (width - 6) / (kFontSize * kFontWidth)));
  if (fits < 3) return "";
  if (name.size() <= fits) return name;
  size_t n = fits - 2;
  while (n > 0 && (static_cast<uint8_t>(name[n]) & 0xc0) == 0x80) --n;
  return name.substr(0, n) + "..";
}

// Zoom by click, reset, search: as flamegraph.pl's, without any request. Reads only attributes that we wrote.
constexpr const char* kScript = R"JS(
var frames,details,searchbtn,matchedtxt,svg,zoomed=null;
function init(){svg=document.querySelector('svg');frames=document.getElementById('frames');details=document.getElementById('details').firstChild;searchbtn=document.getElementById('search');matchedtxt=document.getElementById('matched');
frames.addEventListener('click',function(e){var g=group(e.target);if(g)zoom(g);});
frames.addEventListener('mouseover',function(e){var g=group(e.target);details.nodeValue=g?g.querySelector('title').textContent:' ';});
document.getElementById('unzoom').addEventListener('click',unzoom);searchbtn.addEventListener('click',function(){if(searchbtn.dataset.on)clearSearch();else{var t=prompt('Search for a regular expression','');if(t)search(t);}});
window.addEventListener('keydown',function(e){if((e.ctrlKey||e.metaKey)&&e.key==='f'){e.preventDefault();searchbtn.dispatchEvent(new Event('click'));}});
var q=new URLSearchParams(location.search).get('s');if(q)search(q);}
function group(n){while(n&&n!==frames){if(n.tagName==='g'&&n.dataset.w)return n;n=n.parentNode;}return null;}
function each(f){Array.prototype.forEach.call(frames.children,f);}
function place(g,x,w){var r=g.querySelector('rect'),t=g.querySelector('text');r.setAttribute('x',x);r.setAttribute('width',Math.max(w,0.1));t.setAttribute('x',x+3);var n=g.querySelector('title').textContent.replace(/ \([^(]*\)$/,''),c=Math.floor((w-6)/7.08);t.textContent=c<3?'':n.length<=c?n:n.slice(0,c-2)+'..';}
function zoom(g){var x0=+g.dataset.x,w0=+g.dataset.w,d0=+g.dataset.d,full=+svg.dataset.inner;each(function(o){var x=+o.dataset.x,w=+o.dataset.w,d=+o.dataset.d,e=1e-3;
if(x<=x0+e&&x+w>=x0+w0-e&&d<d0){o.style.display='';o.style.opacity=0.5;place(o,10,full);}else if(x>=x0-e&&x+w<=x0+w0+e&&d>=d0){o.style.display='';o.style.opacity=1;place(o,10+(x-x0)*full/w0,w*full/w0);}else o.style.display='none';});document.getElementById('unzoom').style.visibility='visible';}
function unzoom(){each(function(o){o.style.display='';o.style.opacity=1;place(o,10+ +o.dataset.x,+o.dataset.w);});document.getElementById('unzoom').style.visibility='hidden';}
function search(term){var re;try{re=new RegExp(term);}catch(e){matchedtxt.textContent='not a regular expression';return;}
var spans=[];each(function(o){var r=o.querySelector('rect'),n=o.querySelector('title').textContent.replace(/ \([^(]*\)$/,'');if(re.test(n)){if(!r.dataset.fill)r.dataset.fill=r.getAttribute('fill');r.setAttribute('fill','rgb(230,0,230)');spans.push([+o.dataset.x,+o.dataset.x+ +o.dataset.w]);}});
spans.sort(function(a,b){return a[0]-b[0];});var sum=0,end=-1;spans.forEach(function(s){var a=Math.max(s[0],end);if(s[1]>a){sum+=s[1]-a;end=s[1];}});
matchedtxt.textContent='Matched: '+(100*sum/+svg.dataset.inner).toFixed(1)+'%';searchbtn.dataset.on='1';searchbtn.textContent='Reset Search';}
function clearSearch(){each(function(o){var r=o.querySelector('rect');if(r.dataset.fill){r.setAttribute('fill',r.dataset.fill);delete r.dataset.fill;}});matchedtxt.textContent=' ';delete searchbtn.dataset.on;searchbtn.textContent='Search';}
init();
)JS";

// Draws the tree into SVG text.
class Painter {
 public:
  Painter(const FlameGraphOptions& o, const Node& root, std::string unit)
      : o_(o), unit_(std::move(unit)), total_(root.total), inner_(o.width - 2 * kPadX) {
    per_px_ = inner_ / std::max<double>(1, static_cast<double>(total_));
    measure(root, 0);
    top_ = kFontSize * 3 + (o_.subtitle.empty() ? 0 : kFontSize * 2);
    height_ = static_cast<int>(depth_ + 1) * kFrameHeight + top_ + kFontSize * 2 + 10;
  }

  std::string paint(const Node& root) {
    head();
    out_ += "<g id=\"frames\">\n";
    frame(root, "all", 0, 0);
    out_ += "</g>\n<script><![CDATA[";
    out_ += kScript;
    out_ += "]]></script>\n</svg>\n";
    return std::move(out_);
  }

 private:
  double width_of(const Node& n) const { return static_cast<double>(n.total) * per_px_; }

  void measure(const Node& n, size_t depth) {
    depth_ = std::max(depth_, depth);
    for (const auto& [name, child] : n.children)
      if (width_of(child) >= o_.min_width) measure(child, depth + 1);
  }

  void text(double x, int y, const char* attributes, const std::string& content) {
    out_ += "<text x=\"" + fixed(x) + "\" y=\"" + std::to_string(y) + "\" " + attributes + ">" + escape_html(content) +
            "</text>\n";
  }

  void head() {
    std::string w = std::to_string(o_.width), h = std::to_string(height_);
    out_ = "<?xml version=\"1.0\" standalone=\"no\"?>\n<svg version=\"1.1\" width=\"" + w + "\" height=\"" + h +
           "\" viewBox=\"0 0 " + w + " " + h + "\" xmlns=\"http://www.w3.org/2000/svg\" data-inner=\"" + fixed(inner_) +
           "\">\n<style>text{font-family:Verdana,sans-serif;font-size:12px;fill:#000}"
           "#title{text-anchor:middle;font-size:17px}#search,#unzoom{cursor:pointer;opacity:0.6}"
           "#search:hover,#unzoom:hover{opacity:1}#frames>g:hover{stroke:#000;stroke-width:0.5;cursor:pointer}"
           "#frames text{pointer-events:none}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#f8f8f0\"/>\n";
    text(o_.width / 2.0, kFontSize * 2, "id=\"title\"", o_.title);
    if (!o_.subtitle.empty())
      text(o_.width / 2.0, kFontSize * 4, "text-anchor=\"middle\" fill-opacity=\"0.6\"", o_.subtitle);
    text(kPadX, height_ - 14, "id=\"details\"", total_ == 0 ? "No samples in this profile." : " ");
    text(kPadX, kFontSize * 2, "id=\"unzoom\" style=\"visibility:hidden\"", "Reset Zoom");
    text(o_.width - kPadX - 80, kFontSize * 2, "id=\"search\"", "Search");
    text(o_.width - kPadX - 120, height_ - 14, "id=\"matched\"", " ");
  }

  void frame(const Node& n, const std::string& name, double x, size_t depth) {
    if (++frames_ > kMaxFrames) return;
    double width = width_of(n);
    auto row = static_cast<int>(o_.inverted ? depth : depth_ - depth);
    int y = top_ + row * kFrameHeight;
    double percent = total_ == 0 ? 0 : 100.0 * static_cast<double>(n.total) / static_cast<double>(total_);
    char share[32];
    std::snprintf(share, sizeof share, "%.2f%%", percent);
    std::string shown = escape_terminal(name);
    out_ += "<g data-x=\"" + fixed(x) + "\" data-w=\"" + fixed(std::max(width, 0.1)) + "\" data-d=\"" +
            std::to_string(depth) + "\"><title>" + escape_html(name) + " (" +
            escape_html(profile::scaled_label(n.total, unit_, "auto")) + ", " + share + ")</title><rect x=\"" +
            fixed(kPadX + x) + "\" y=\"" + std::to_string(y) + "\" width=\"" + fixed(width) +
            "\" height=\"15\" fill=\"" + color(name) + "\" rx=\"2\" ry=\"2\"/><text x=\"" + fixed(kPadX + x + 3) +
            "\" y=\"" + std::to_string(y + 12) + "\">" + escape_html(cut_to_width(shown, width)) + "</text></g>\n";
    double at = x;
    for (const auto& [child_name, child] : n.children) {
      double child_width = width_of(child);
      if (child_width >= o_.min_width) frame(child, child_name, at, depth + 1);
      at += child_width;
    }
  }

  const FlameGraphOptions& o_;
  const std::string unit_;
  const int64_t total_;
  const double inner_;
  double per_px_ = 0;
  size_t depth_ = 0;
  size_t frames_ = 0;
  int top_ = 0;
  int height_ = 0;
  std::string out_;
};

}  // namespace

std::string flame_graph_svg(const Profile& p, const FlameGraphOptions& options) {
  bool has_values = options.column < p.values.size();
  Node root = has_values ? build_tree(p, options.column) : Node{};
  std::string unit = has_values ? std::string(p.text(p.sample_types[options.column].unit)) : "";
  return Painter(options, root, unit).paint(root);
}

}  // namespace watchfire::converters
