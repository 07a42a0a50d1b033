#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace watchfire::converters {

/// The line that starts a sample.
struct PerfHeaderLine {
  std::string_view comm;
  int64_t pid = -1;  ///< -1: not printed
  int64_t tid = -1;
  int64_t time_ns = -1;
  uint64_t period = 1;
  std::string_view event;
  std::string_view rest;  ///< after the event: a frame, or a tracepoint's fields
};

/// A line of a stack.
struct PerfFrameLine {
  uint64_t address = 0;
  std::string_view symbol;  ///< without "+0x12"; "" when unknown
  std::string_view file;    ///< "" when unknown
  bool is_inlined = false;
};

std::optional<PerfHeaderLine> parse_perf_header(std::string_view line);
/// Frames on lines of their own may do without a file (`-F ip,sym`); what follows an event is a frame only with one.
enum class FileOfFrame { kOptional, kNeeded };
std::optional<PerfFrameLine> parse_perf_frame(std::string_view line, FileOfFrame needed = FileOfFrame::kOptional);

}  // namespace watchfire::converters
