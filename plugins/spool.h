#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "base/result.h"

namespace watchfire::plugins {

/// Messages that wait to be delivered, one file each in a directory, oldest first; survives restarts. Bounded: when it
/// is full the oldest goes, counted as lost. Used by one thread at a time.
class Spool {
 public:
  struct Limits {
    size_t messages = 50;
    uint64_t bytes = 4u << 20;
  };

  /// Opens the directory, making it, and takes in what is there.
  static Result<Spool> open(const std::string& directory, Limits limits);

  Status add(const std::string& message);
  bool empty() const { return files_.empty(); }
  size_t size() const { return files_.size(); }
  /// The oldest message.
  Result<std::string> front() const;
  /// Forgets the oldest message.
  void pop();

 private:
  Spool(std::string directory, Limits limits) : directory_(std::move(directory)), limits_(limits) {}
  std::string path(uint64_t number) const;

  std::string directory_;
  Limits limits_;
  struct File {
    uint64_t number = 0;
    uint64_t bytes = 0;
  };
  std::deque<File> files_;
  uint64_t next_ = 1;
};

}  // namespace watchfire::plugins
