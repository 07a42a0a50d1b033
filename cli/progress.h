#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace watchfire::cli {

/// While it lives and has lasted a second, says on a terminal's stderr what is going on and for how long; takes that
/// away again at its end. Nothing at all when stderr is no terminal.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void run();

  std::string what_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace watchfire::cli
