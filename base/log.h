#pragma once

#include <string>
#include <string_view>

namespace watchfire {

/// error: the operator must act; warn: degraded; info: start, stop, configuration; debug: once a window.
enum class LogLevel { kDebug, kInfo, kWarn, kError };

/// Sets the program name that starts each line, and the least level printed. Call once, before threads.
void log_init(std::string_view program, LogLevel least = LogLevel::kInfo);

/// Writes one line to stderr, escaped for a log, with journald's <N> priority prefix when stderr is the
/// journal. Safe from any thread; one write call a line.
void log_line(LogLevel level, std::string_view message);

inline void log_debug(std::string_view m) {
  log_line(LogLevel::kDebug, m);
}
inline void log_info(std::string_view m) {
  log_line(LogLevel::kInfo, m);
}
inline void log_warn(std::string_view m) {
  log_line(LogLevel::kWarn, m);
}
inline void log_error(std::string_view m) {
  log_line(LogLevel::kError, m);
}

/// At most one line per `key` in `seconds`; the number held back is told with the next. For paths that an
/// outsider can make repeat.
void log_limited(LogLevel level, std::string_view key, std::string_view message, int seconds = 60);

}  // namespace watchfire
