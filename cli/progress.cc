#include "cli/progress.h"

#include <unistd.h>

#include <chrono>

#include "base/fd.h"
#include "base/untrusted_text.h"

namespace watchfire::cli {

Progress::Progress(std::string what) : what_(escape_terminal(what)) {
  if (isatty(STDERR_FILENO) == 1) thread_ = std::thread([this] { run(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Progress::run() {
  std::unique_lock lock(mutex_);
  bool shown = false;
  for (int seconds = 1; !ended_.wait_for(lock, std::chrono::seconds(1), [this] { return over_; });
       ++seconds, shown = true)
    (void)write_all(STDERR_FILENO, "\r" + what_ + " ... " + std::to_string(seconds) + " s\033[K");
  if (shown) (void)write_all(STDERR_FILENO, "\r\033[K");
}

}  // namespace watchfire::cli
