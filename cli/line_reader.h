#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace watchfire::cli {

/// Lines a person or a pipe gives, without their breaks.
class LineReader {
 public:
  virtual ~LineReader() = default;
  /// Waits for the next line; nothing at the end of the input.
  virtual std::optional<std::string> next() = 0;
};

/// Reads standard input: with a prompt, editing, history of this session and completion when it is a terminal, else
/// line by line. `complete` gives the line with its last word completed. Lines longer than 1 MB are cut.
std::unique_ptr<LineReader> make_line_reader(std::string prompt, std::function<std::string(std::string_view)> complete);

}  // namespace watchfire::cli
