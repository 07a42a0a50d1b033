#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire {

/// Owner of one file descriptor; closes it at the end of its life. Move-only. -1 is empty.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// Gives the descriptor away; the caller closes it.
  int release();
  void reset();
  /// A second descriptor for the same open file, close-on-exec.
  Result<Fd> duplicate() const;

 private:
  int fd_ = -1;
};

/// Opens with O_CLOEXEC added. `mode` counts only with O_CREAT.
Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0);

/// Reads a whole file of at most `max_bytes`; a longer one is kResourceExhausted. Works for /proc files.
Result<std::string> read_file(const std::string& path, size_t max_bytes);
/// `expected` is how long it seems to be, 0 if unknown; it only saves growing.
Result<std::string> read_fd(int fd, size_t max_bytes, size_t expected = 0);

/// Writes all bytes, going on after short writes and EINTR.
Status write_all(int fd, std::string_view bytes);

/// Replaces `path` so that a reader or a crash sees the old file or the whole new one: writes beside it,
/// fsyncs, renames, fsyncs the directory. What is there and is no regular file stays: kInvalidArgument.
Status write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode = 0644);

/// Writes where a person said: a file as write_file_atomically does (through links, with its mode), a device or a pipe
/// in place.
Status write_output(const std::string& path, std::string_view bytes);

/// Makes a directory and its parents; one that is there already is no error.
Status make_directories(const std::string& path, unsigned mode = 0755);

/// A memfd holding `bytes`, sealed against any change, for handing a large answer to another process.
Result<Fd> sealed_memfd(std::string_view name, std::span<const std::byte> bytes);
/// Reads a memfd from another process: refused unless it is sealed against shrinking and writing, and of at
/// most `max_bytes`.
Result<std::vector<std::byte>> read_sealed_memfd(int fd, size_t max_bytes);

}  // namespace watchfire
