#include <algorithm>
#include <cstdio>
#include <ctime>

#include "profile/label_texts.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/sorted_labels.h"
#include "profile/text_format.h"

namespace watchfire::profile {
namespace {

constexpr std::string_view kLabelIndent = "                ";
constexpr std::string_view kLineIndent = "             ";

std::string hex(uint64_t v) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
  return text;
}

/// "2026-11-24 12:00:00.5 +0000 UTC", fraction without trailing zeros.
std::string time_text(UnixNs t) {
  int64_t fraction = t % 1'000'000'000;
  if (fraction < 0) fraction += 1'000'000'000;
  time_t seconds = t / 1'000'000'000 - (t % 1'000'000'000 < 0 ? 1 : 0);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[80];
  std::string out(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts));
  if (fraction != 0) {
    std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(fraction));
    std::string digits(text);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += digits;
  }
  return out.append(text, std::strftime(text, sizeof text, " %z %Z", &parts));
}

/// value / 10^digits without trailing zeros: "1.5".
std::string decimal(uint64_t value, int digits) {
  uint64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  std::string out = std::to_string(value / unit);
  std::string fraction = std::to_string(unit + value % unit).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? out : out + "." + fraction;
}

/// "1h2m3.5s", "1.5ms", as Go prints durations.
std::string duration_text(DurationNs d) {
  uint64_t ns = d < 0 ? 0 - static_cast<uint64_t>(d) : static_cast<uint64_t>(d);
  std::string sign = d < 0 ? "-" : "";
  if (ns == 0) return "0s";
  if (ns < 1000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + decimal(ns, 3) + "\xc2\xb5s";
  if (ns < 1'000'000'000) return sign + decimal(ns, 6) + "ms";
  uint64_t minutes = ns / 60'000'000'000;
  std::string out = decimal(ns % 60'000'000'000, 9) + "s";
  if (minutes > 0) out = std::to_string(minutes % 60) + "m" + out;
  if (minutes >= 60) out = std::to_string(minutes / 60) + "h" + out;
  return sign + out;
}

std::string first_runes(std::string text, size_t n) {
  size_t seen = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && seen++ == n) return text.substr(0, i);
  }
  return text;
}

/// "key:[v1 v2]" of each key, sorted by text, strings and numbers on lines of their own.
std::string label_lines(const Profile& p, uint32_t set) {
  std::vector<std::string> texts[2];
  std::vector<Label> sorted = sorted_labels(p, p.label_sets[set]);
  for (auto group : LabelGroups(sorted)) {
    bool units = false;
    for (const Label& l : group) units = units || l.unit != 0;
    std::string text = std::string(p.text(group[0].key)) + ":[";
    for (size_t i = 0; i < group.size(); ++i) {
      if (i != 0) text += ' ';
      text += group[i].is_number == 0 ? std::string(p.text(group[i].str)) : std::to_string(group[i].num);
      if (units) text += " " + std::string(p.text(group[i].unit));
    }
    texts[group[0].is_number].push_back(text + "]");
  }
  std::string out;
  for (auto& kind : texts) {
    if (kind.empty()) continue;
    std::sort(kind.begin(), kind.end());
    out += kLabelIndent;
    for (size_t i = 0; i < kind.size(); ++i) out += (i == 0 ? "" : " ") + kind[i];
    out += '\n';
  }
  return out;
}

void append_samples(TextPieces& pieces, const Profile& p) {
  std::string& out = pieces.text;
  std::string types;
  for (const ValueType& t : p.sample_types) {
    types += std::string(p.text(t.type)) + "/" + std::string(p.text(t.unit));
    if (t.type == p.default_sample_type) types += "[dflt]";
    types += ' ';
  }
  size_t begin = std::min(types.find_first_not_of(' '), types.size());
  types.erase(types.find_last_not_of(' ') + 1);
  out += "Samples:\n" + types.substr(std::min(begin, types.size())) + '\n';
  LabelTexts labels(p, [&p](uint32_t set) { return label_lines(p, set); });
  for (size_t i = 0; i < p.sample_count() && pieces.pass_on(); ++i) {
    for (const auto& column : p.values) {
      out += ' ';
      append_right(out, std::to_string(column[i]), 10);
    }
    out += ": ";
    for (uint32_t location : p.stacks[p.sample_stacks[i]]) out += std::to_string(p.locations[location].id) + ' ';
    out += '\n';
    out += labels.of(p.sample_label_sets[i]);
  }
}

std::string line_text(const Profile& p, const Line& line) {
  const Function& f = p.functions[line.function];
  std::string text = std::string(p.text(f.name)) + " " + std::string(p.text(f.file)) + ":" + std::to_string(line.line) +
                     ":" + std::to_string(line.column) + " s=" + std::to_string(f.start_line);
  if (f.name != f.system_name) text += "(" + std::string(p.text(f.system_name)) + ")";
  return text;
}

void append_locations(std::string& out, const Profile& p) {
  out += "Locations\n";
  for (const Location& l : p.locations) {
    append_right(out, std::to_string(l.id), 6);
    out += ": " + hex(l.address) + ' ';
    if (l.mapping != kNone) out += "M=" + std::to_string(p.mappings[l.mapping].id) + ' ';
    if (l.is_folded) out += "[F] ";
    auto lines = p.lines_of(l);
    for (size_t i = 0; i < lines.size(); ++i) {
      if (i != 0) {
        out += '\n';
        out += kLineIndent;
      }
      out += line_text(p, lines[i]);
    }
    out += '\n';
  }
}

void append_mappings(std::string& out, const Profile& p) {
  out += "Mappings\n";
  for (const Mapping& m : p.mappings) {
    out += std::to_string(m.id) + ": " + hex(m.start) + "/" + hex(m.limit) + "/" + hex(m.file_offset) + " " +
           std::string(p.text(m.file)) + " " + std::string(p.text(m.build_id)) + " ";
    if (m.has_functions) out += "[FN]";
    if (m.has_filenames) out += "[FL]";
    if (m.has_line_numbers) out += "[LN]";
    if (m.has_inline_frames) out += "[IN]";
    out += '\n';
  }
}

}  // namespace

void print_raw(const Report& r, const TextSink& sink) {
  const Profile& p = r.profile();
  TextPieces pieces(sink);
  std::string& out = pieces.text;
  for (StringId c : p.comments) out += "Comment: " + std::string(p.text(c)) + '\n';
  if (p.doc_url != 0) out += "Doc: " + std::string(p.text(p.doc_url)) + '\n';
  out +=
      "PeriodType: " + std::string(p.text(p.period_type.type)) + " " + std::string(p.text(p.period_type.unit)) + '\n';
  out += "Period: " + std::to_string(p.period) + '\n';
  if (p.time_ns != 0) out += "Time: " + time_text(p.time_ns) + '\n';
  if (p.duration_ns != 0) out += "Duration: " + first_runes(duration_text(p.duration_ns), 4) + '\n';
  append_samples(pieces, p);
  append_locations(out, p);
  append_mappings(out, p);
  pieces.finish();
}

}  // namespace watchfire::profile
