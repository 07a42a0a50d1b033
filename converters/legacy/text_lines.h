#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire::converters {

/// Walks the lines of a text. A line longer than 64 KiB ends it with `too_long()`.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  /// Goes to the next line; false at the end, where line() is empty.
  bool next();
  /// The line without its end.
  std::string_view line() const { return line_; }
  /// What comes after the line.
  std::string_view rest() const { return rest_; }
  bool too_long() const { return too_long_; }
  Status status() const;

 private:
  std::string_view rest_;
  std::string_view line_;
  bool too_long_ = false;
};

/// Without blanks, tabs and line ends on both sides.
std::string_view trim_space(std::string_view text);
/// Empty, or a comment after '#'.
bool is_space_or_comment(std::string_view line);
/// A line that says a memory map follows.
bool is_memory_map_start(std::string_view line);

/// A number as Go's strconv reads it; base 0 takes it from a 0x, 0b, 0o or 0 prefix. False when it is none or too big.
bool parse_go_int(std::string_view text, int base, int64_t& value);
bool parse_go_uint(std::string_view text, int base, uint64_t& value);

/// All numbers written 0x... in the text.
Result<std::vector<uint64_t>> parse_hex_addresses(std::string_view text);

}  // namespace watchfire::converters
