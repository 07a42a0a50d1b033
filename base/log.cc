#include "base/log.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "base/untrusted_text.h"

namespace watchfire {
namespace {

std::string g_program = "watchfire";
LogLevel g_least = LogLevel::kInfo;
bool g_journal = false;

constexpr size_t kMaxLine = 1024;
constexpr size_t kMaxKeys = 256;

const char* prefix(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return g_journal ? "<7>" : "debug ";
    case LogLevel::kInfo:
      return g_journal ? "<6>" : "";
    case LogLevel::kWarn:
      return g_journal ? "<4>" : "warning: ";
    case LogLevel::kError:
      return g_journal ? "<3>" : "error: ";
  }
  return "";
}

struct Held {
  DurationNs last = 0;
  int count = 0;
};

}  // namespace

void log_init(std::string_view program, LogLevel least) {
  g_program = program;
  g_least = least;
  g_journal = std::getenv("JOURNAL_STREAM") != nullptr;
}

void log_line(LogLevel level, std::string_view message) {
  if (level < g_least) return;
  std::string line = g_journal ? std::string(prefix(level)) : g_program + ": " + prefix(level);
  line += escape_log(message, kMaxLine);
  line += '\n';
  // A log line that can't be written has nowhere else to go.
  [[maybe_unused]] ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

void log_limited(LogLevel level, std::string_view key, std::string_view message, int seconds) {
  static std::mutex mutex;
  static std::map<std::string, Held, std::less<>> held;
  int before = 0;
  {
    std::lock_guard lock(mutex);
    if (held.size() > kMaxKeys) held.clear();
    auto [it, fresh] = held.try_emplace(std::string(key));
    DurationNs now = boot_ns();
    if (!fresh && now - it->second.last < seconds * kSecond) {
      ++it->second.count;
      return;
    }
    before = it->second.count;
    it->second = {now, 0};
  }
  log_line(level, before == 0 ? std::string(message)
                              : std::string(message) + " (" + std::to_string(before) + " more like it before)");
}

}  // namespace watchfire
