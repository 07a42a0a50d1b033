#include "plugins/slack/slack_message.h"

#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "findings/render.h"

namespace watchfire::plugins {
namespace {

using findings::Digest;
using findings::Finding;

constexpr size_t kNameBytes = 200;
constexpr size_t kSentenceBytes = 700;

std::string code(std::string_view text, size_t max_bytes = kNameBytes) {
  std::string inside = escape_mrkdwn(text, max_bytes);
  return inside.empty() ? "" : "`" + inside + "`";
}

// Our own words, or words with names inside that must not become markup: all of it outside of code spans, so marks
// are taken out.
std::string plain(std::string_view text, size_t max_bytes = kSentenceBytes) {
  std::string out = escape_mrkdwn(text, max_bytes);
  std::ranges::replace_if(out, [](char c) { return c == '*' || c == '_' || c == '~'; }, ' ');
  return out;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

std::string finding_text(const Finding& f) {
  std::string out = "*" + std::string(life_name(f.life)) + "* " + code(f.service.raw()) + ": " +
                    code(f.title.raw(), 2 * kNameBytes) + "\n";
  out += findings::amount_text(f.resource, f.amount) + ", " + percent(f.share) + " of its " +
         std::string(resource_name(f.resource)) + "; at most " + findings::amount_text(f.resource, f.gain_bound) +
         " to gain";
  if (!f.function.empty()) out += "\nfunction " + code(f.function.raw());
  if (f.change)
    out += "\nbefore " + findings::amount_text(f.resource, f.change->before) + ", now " +
           findings::amount_text(f.resource, f.change->after);
  if (!f.advice.empty()) out += "\n" + plain(f.advice);
  if (!f.evidence.empty() && !f.evidence.front().command.empty())
    out += "\n" + code(f.evidence.front().command, 2 * kNameBytes);
  return out;
}

// Builds the blocks and keeps count, so that nothing is added that would break a limit.
class Blocks {
 public:
  Blocks() { w_.begin_array(); }

  void header(const std::string& text) {
    std::string cut = text.substr(0, SlackLimits::kHeaderText);
    begin("header", cut.size()).key("text").begin_object();
    w_.field("type", "plain_text").field("text", cut).end_object();
    w_.end_object();
  }
  /// False when the message is full.
  bool section(const std::string& text) {
    if (text.size() > SlackLimits::kSectionText || !fits(text.size())) return false;
    begin("section", text.size()).key("text").begin_object();
    w_.field("type", "mrkdwn").field("text", text).end_object();
    w_.end_object();
    return true;
  }
  void context(const std::string& text) {
    begin("context", text.size()).key("elements").begin_array().begin_object();
    w_.field("type", "mrkdwn").field("text", text).end_object().end_array();
    w_.end_object();
  }
  std::string finish() { return w_.end_array().release(); }

 private:
  // Room for the closing line is always left.
  bool fits(size_t chars) const {
    return count_ + 2 <= SlackLimits::kBlocks && chars_ + chars + 1000 <= SlackLimits::kMessageChars;
  }
  JsonWriter& begin(const char* type, size_t chars) {
    ++count_;
    chars_ += chars + 60;
    return w_.begin_object().field("type", type);
  }

  JsonWriter w_;
  size_t count_ = 0;
  size_t chars_ = 0;
};

std::string summary(const Digest& d) {
  if (!d.error.empty()) return "the analysis failed";
  size_t news = 0;
  for (const Finding& f : d.findings) news += f.life == findings::Life::kNew || f.life == findings::Life::kWorse;
  return std::to_string(news) + " new or worse, " + std::to_string(d.findings.size()) + " open, " +
         std::to_string(d.fixed.size()) + " fixed";
}

}  // namespace

std::string slack_message(const Digest& d, size_t max_findings) {
  Blocks blocks;
  std::string head = "Watchfire on " + escape_mrkdwn(d.host, 60) + ": " + summary(d);
  blocks.header(head);
  if (!d.error.empty()) blocks.section("This run failed: " + code(d.error, 1000));
  // News first: what is open since long is in the file.
  auto is_old = [](const Finding& f) { return f.life == findings::Life::kOpen || f.life == findings::Life::kAccepted; };
  std::vector<const Finding*> order;
  for (bool old : {false, true})
    for (const Finding& f : d.findings)
      if (is_old(f) == old) order.push_back(&f);
  size_t shown = 0;
  for (const Finding* f : order) {
    if (shown >= max_findings || !blocks.section(finding_text(*f))) break;
    ++shown;
  }
  for (const Finding& f : d.fixed)
    if (!blocks.section("*fixed* " + code(f.service.raw()) + ": " + code(f.title.raw(), 2 * kNameBytes))) break;
  std::string foot = format_time(d.range.start) + " to " + format_time(d.range.end);
  if (order.size() > shown) foot += "; " + std::to_string(order.size() - shown) + " more in the report";
  blocks.context(foot);

  JsonWriter w;
  w.begin_object().field("text", head.substr(0, SlackLimits::kFallbackText)).key("blocks").raw(blocks.finish());
  return w.end_object().release();
}

}  // namespace watchfire::plugins
