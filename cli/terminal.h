#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace watchfire::cli {

inline constexpr int kExitGood = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNoDaemon = 3;  ///< the daemon, or the program at a URL, does not answer
inline constexpr int kExitNothing = 4;   ///< nothing was found: no samples, no match, no such thing

/// Text from outside as a terminal may see it: line breaks and tabs stay, everything else is escaped.
std::string escape_lines(std::string_view text);
/// Whether stdout shall have colours: "always", "never", or "auto": on a terminal, unless $NO_COLOR is set or it is
/// dumb.
bool color_wanted(std::string_view mode);

/// Columns of the terminal on stdout; 0 when it is none.
size_t terminal_width();
/// Escaped text of a report with lines cut to `width` characters (0: not at all) and, with `color`, headings and large
/// shares, growth and decrease made visible.
std::string for_terminal(const std::string& text, bool color, size_t width);

/// Prints text from outside to stdout: line breaks and tabs stay, everything else is escaped for a terminal.
void print_untrusted(std::string_view text);
/// Prints bytes as they are, for data that goes to a file or a pipe.
void print_bytes(std::string_view bytes);
/// Prints "watchfire: message" and the hint on a line of its own; gives the exit code that fits.
int print_error(const Error& error);
/// As print_error, for a file that can't be read or written: whatever the reason, nothing was asked that did not answer
/// or was not found.
int print_file_error(const Error& error);

/// Rows of columns, aligned; the last column is not padded. The first row is the heading.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace watchfire::cli
