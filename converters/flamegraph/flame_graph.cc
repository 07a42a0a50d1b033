#include "converters/flamegraph/flame_graph.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/untrusted_text.h"
#include "converters/flamegraph/flame_tree.h"
#include "profile/measurement.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

constexpr int kFrameHeight = 16;
constexpr int kFontSize = 12;
constexpr double kFontWidth = 0.59;
constexpr int kPadX = 10;
constexpr size_t kMaxFrames = 50'000;

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

// Red for more, blue for less, white for equal; the palest stands for the smallest change.
std::string difference_color(int64_t delta, int64_t largest) {
  if (delta == 0 || largest == 0) return "rgb(255,255,255)";
  double part = std::abs(static_cast<double>(delta)) / static_cast<double>(largest);
  std::string pale = std::to_string(static_cast<int>(210 * (1 - part)));
  return delta > 0 ? "rgb(255," + pale + "," + pale + ")" : "rgb(" + pale + "," + pale + ",255)";
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
  Painter(const FlameGraphOptions& o, const FlameTree& tree, std::string unit)
      : o_(o), tree_(tree), unit_(std::move(unit)), total_(tree.costs.totals[0][0]), inner_(o.width - 2 * kPadX) {
    per_px_ = inner_ / std::max<double>(1, static_cast<double>(total_));
    std::vector<size_t> depths(tree.nodes.size());
    for (uint32_t n = 1; n < depths.size(); ++n) {
      depths[n] = depths[tree.nodes[n].parent] + 1;
      if (tree.costs.totals[0][n] > 0) depth_ = std::max(depth_, depths[n]);
      largest_delta_ = std::max(largest_delta_, std::abs(delta(n)));
    }
    top_ = kFontSize * 3 + (o_.subtitle.empty() ? 0 : kFontSize * 2);
    height_ = static_cast<int>(depth_ + 1) * kFrameHeight + top_ + kFontSize * 2 + 10;
  }

  std::string paint() {
    head();
    out_ += "<g id=\"frames\">\n";
    frame(0, 0, 0);
    out_ += "</g>\n<script><![CDATA[";
    out_ += kScript;
    out_ += "]]></script>\n</svg>\n";
    return std::move(out_);
  }

 private:
  double width_of(uint32_t n) const { return static_cast<double>(tree_.costs.totals[0][n]) * per_px_; }
  int64_t delta(uint32_t n) const { return tree_.base ? tree_.costs.selfs[0][n] - tree_.base->selfs[0][n] : 0; }
  double percent(int64_t value) const {
    return total_ == 0 ? 0 : 100.0 * static_cast<double>(value) / static_cast<double>(total_);
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

  // "1.20s, 34.00%; +5.10%"
  std::string cost(uint32_t n) const {
    char share[64];
    int length = std::snprintf(share, sizeof share, "%.2f%%", percent(tree_.costs.totals[0][n]));
    if (tree_.base && n != 0)
      std::snprintf(share + length, sizeof share - static_cast<size_t>(length), "; %+.2f%%", percent(delta(n)));
    return profile::scaled_label(tree_.costs.totals[0][n], unit_, "auto") + ", " + share;
  }

  void frame(uint32_t n, double x, size_t depth) {
    const std::string& name = tree_.names[tree_.nodes[n].name];
    double width = width_of(n);
    auto row = static_cast<int>(o_.inverted ? depth : depth_ - depth);
    int y = top_ + row * kFrameHeight;
    std::string fill = tree_.base ? difference_color(o_.negate ? -delta(n) : delta(n), largest_delta_) : color(name);
    out_ += "<g data-x=\"" + fixed(x) + "\" data-w=\"" + fixed(std::max(width, 0.1)) + "\" data-d=\"" +
            std::to_string(depth) + "\"><title>" + escape_html(name) + " (" + escape_html(cost(n)) +
            ")</title><rect x=\"" + fixed(kPadX + x) + "\" y=\"" + std::to_string(y) + "\" width=\"" + fixed(width) +
            "\" height=\"15\" fill=\"" + fill + "\" rx=\"2\" ry=\"2\"/><text x=\"" + fixed(kPadX + x + 3) + "\" y=\"" +
            std::to_string(y + 12) + "\">" + escape_html(cut_to_width(escape_terminal(name), width)) + "</text></g>\n";
    double at = x;
    for (uint32_t child : tree_.children(n)) {
      if (tree_.costs.totals[0][child] > 0) frame(child, at, depth + 1);
      at += width_of(child);
    }
  }

  const FlameGraphOptions& o_;
  const FlameTree& tree_;
  const std::string unit_;
  const int64_t total_;
  const double inner_;
  double per_px_ = 0;
  size_t depth_ = 0;
  int64_t largest_delta_ = 0;
  int top_ = 0;
  int height_ = 0;
  std::string out_;
};

}  // namespace

std::string flame_graph_svg(const Profile& p, const FlameGraphOptions& options) {
  FlameTree tree =
      build_flame_tree(p, {.columns = {options.column}, .reversed = options.reversed, .base = options.base});
  double inner = options.width - 2 * kPadX;
  // What only the base has takes no width.
  prune(tree, tree.costs.totals[0][0] == 0 ? 0 : options.min_width / inner, kMaxFrames);
  bool has_type = options.column < p.sample_types.size();
  return Painter(options, tree, has_type ? std::string(p.text(p.sample_types[options.column].unit)) : "").paint();
}

}  // namespace watchfire::converters
