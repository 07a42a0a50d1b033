#include "agent/tools/answer_text.h"

#include <cstdio>

#include "base/untrusted_text.h"

namespace watchfire::agent {
namespace {

constexpr size_t kMaxNoteBytes = 160;
constexpr size_t kMaxNotes = 2;
constexpr size_t kMaxQueryBytes = 300;

std::string formatted(const char* format, double v) {
  char text[40];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

}  // namespace

bool AnswerRows::add(const std::string& row) {
  full_ = full_ || text_.size() + row.size() + 1 > max_bytes_;
  if (full_) return false;
  text_ += row;
  text_ += '\n';
  ++count_;
  return true;
}

std::string measured_text(const std::string& query, TimeRange range, const Measured& m) {
  std::string out = escape_prompt(query, kMaxQueryBytes) + ", " + format_time(range.start) + " to " +
                    format_time(range.end) + ": " + std::to_string(m.samples) + " samples, total " +
                    std::to_string(m.total) + " " + escape_prompt(m.merged.type.sample_unit, 40);
  if (m.resource)
    out += " = " + amount_number(m.amount(m.total)) + " " + std::string(findings::resource_unit(*m.resource));
  out += " over " + format_duration(m.merged.covered / kMillisecond * kMillisecond) + " covered";
  if (m.merged.stats.partial) out += "; PARTIAL: the range holds more than one answer may, ask for a shorter one";
  for (size_t i = 0; i < m.merged.stats.notes.size() && i < kMaxNotes; ++i)
    out += "; " + escape_prompt(m.merged.stats.notes[i], kMaxNoteBytes);
  return out;
}

std::string cite_text(const std::string& query, TimeRange range, const Measured& m) {
  return "cite: query=" + escape_prompt(query, kMaxQueryBytes) + " start=" + format_time(range.start) +
         " end=" + format_time(range.end) + " total=" + std::to_string(m.total) +
         " samples=" + std::to_string(m.samples);
}

std::string share_text(double share) {
  return formatted("%.4f", share);
}

std::string amount_number(double amount) {
  return formatted("%.6g", amount);
}

}  // namespace watchfire::agent
