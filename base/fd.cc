#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace watchfire {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<Fd> Fd::duplicate() const {
  int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return fail(system_error(errno, "duplicating a descriptor"));
  return Fd(fd);
}

Result<Fd> open_file(const std::string& path, int flags, unsigned mode) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return fail(system_error(errno, "opening " + path));
  return Fd(fd);
}

Result<std::string> read_fd(int fd, size_t max_bytes, size_t expected) {
  constexpr size_t kUnknownSize = 16 << 10;
  std::string out;
  size_t size = 0;
  ssize_t n = 0;
  do {
    // One byte more than expected, so that the end shows without a larger buffer.
    if (size == out.size()) {
      size_t room = size != 0 ? size * 2 : expected != 0 ? std::min(expected, max_bytes) + 1 : kUnknownSize;
      out.resize_and_overwrite(room, [&](char*, size_t all) { return all; });
    }
    do n = ::read(fd, out.data() + size, out.size() - size);
    while (n < 0 && errno == EINTR);
    if (n < 0) return fail(system_error(errno, "reading"));
    size += static_cast<size_t>(n);
    if (size > max_bytes)
      return fail(ErrorCode::kResourceExhausted, "longer than " + std::to_string(max_bytes) + " bytes");
  } while (n != 0);
  out.resize(size);
  if (expected == 0) out.shrink_to_fit();
  return out;
}

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  WF_ASSIGN(Fd fd, open_file(path, O_RDONLY));
  struct stat st{};
  bool is_file = ::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode);
  auto text = read_fd(fd.get(), max_bytes, is_file ? static_cast<size_t>(st.st_size) : 0);
  if (!text) return fail(text.error().with(path));
  return text;
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error(errno, "writing"));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

namespace {

Status sync_directory_of(const std::string& path) {
  auto slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  WF_ASSIGN(Fd fd, open_file(dir, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) < 0) return fail(system_error(errno, "syncing " + dir));
  return {};
}

}  // namespace

Status write_file_atomically(const std::string& path, std::string_view bytes, unsigned mode) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
    return fail(ErrorCode::kInvalidArgument, path + " is not a regular file");
  std::string temp = path + ".tmp." + std::to_string(::getpid());
  auto written = [&]() -> Status {
    WF_ASSIGN(Fd fd, open_file(temp, O_WRONLY | O_CREAT | O_TRUNC, mode));
    if (auto w = write_all(fd.get(), bytes); !w) return fail(w.error().with(temp));
    if (::fsync(fd.get()) < 0) return fail(system_error(errno, "syncing " + temp));
    if (::rename(temp.c_str(), path.c_str()) < 0) return fail(system_error(errno, "renaming to " + path));
    return sync_directory_of(path);
  }();
  if (!written) ::unlink(temp.c_str());
  return written;
}

Status write_output(const std::string& path, std::string_view bytes) {
  struct stat there{};
  if (::stat(path.c_str(), &there) < 0) return write_file_atomically(path, bytes);
  if (!S_ISREG(there.st_mode)) {
    WF_ASSIGN(Fd fd, open_file(path, O_WRONLY));
    return write_all(fd.get(), bytes);
  }
  std::unique_ptr<char, void (*)(void*)> target(::realpath(path.c_str(), nullptr), &::free);
  return write_file_atomically(target ? target.get() : path, bytes, there.st_mode & 07777);
}

Status make_directories(const std::string& path, unsigned mode) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) < 0 && errno != EEXIST)
      return fail(system_error(errno, "making the directory " + part));
    if (slash == std::string::npos) break;
  }
  struct stat st{};
  if (::stat(path.c_str(), &st) < 0) return fail(system_error(errno, path));
  if (!S_ISDIR(st.st_mode)) return fail(ErrorCode::kInvalidArgument, path + " is not a directory");
  return {};
}

Result<Fd> sealed_memfd(std::string_view name, std::span<const std::byte> bytes) {
  Fd fd(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail(system_error(errno, "memfd_create"));
  WF_TRY(write_all(fd.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
    return fail(system_error(errno, "sealing a memfd"));
  return fd;
}

Result<std::vector<std::byte>> read_sealed_memfd(int fd, size_t max_bytes) {
  int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return fail(ErrorCode::kCorrupt, "the descriptor received is no memfd");
  if ((seals & (F_SEAL_SHRINK | F_SEAL_WRITE)) != (F_SEAL_SHRINK | F_SEAL_WRITE))
    return fail(ErrorCode::kCorrupt, "the memfd received is not sealed");
  struct stat st{};
  if (::fstat(fd, &st) < 0) return fail(system_error(errno, "fstat"));
  if (static_cast<uint64_t>(st.st_size) > max_bytes)
    return fail(ErrorCode::kResourceExhausted, "a memfd of " + std::to_string(st.st_size) +
                                                   " bytes is over the limit of " + std::to_string(max_bytes));
  std::vector<std::byte> out(static_cast<size_t>(st.st_size));
  size_t done = 0;
  while (done < out.size()) {
    ssize_t n = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(system_error(n < 0 ? errno : EIO, "reading a memfd"));
    done += static_cast<size_t>(n);
  }
  return out;
}

}  // namespace watchfire
