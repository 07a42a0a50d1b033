#include "collectors/ebpf/file_cache.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/counters.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr DurationNs kKeepOpen = 5 * kMinute;
constexpr DurationNs kKeepKnown = 30 * kMinute;
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kPage = 4096;

FileRef make_pseudo(WindowFileKind kind, const char* id) {
  auto file = std::make_shared<MappedFile>();
  file->kind = kind;
  file->path = file->fallback_id = id;
  return file;
}

bool is_regular(int fd, struct stat& st) {
  return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/// The mapped file by the mapping itself: right even when the path now names another file, or none.
Fd open_map_file(int process_dir, const MapsLine& line) {
  char name[64];
  std::snprintf(name, sizeof name, "map_files/%lx-%lx", static_cast<unsigned long>(line.start),
                static_cast<unsigned long>(line.end));
  return Fd(::openat(process_dir, name, O_PATH | O_CLOEXEC));
}

/// By path, resolved inside the process's root without magic links, and only if it is the inode that is mapped.
Fd open_in_root(int process_dir, const MapsLine& line) {
  Fd root(::openat(process_dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return {};
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  std::string path = unescape_path(line.path);
  Fd fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  struct stat st{};
  if (!fd || ::fstat(fd.get(), &st) != 0) return {};
  bool same = st.st_ino == line.inode && st.st_dev == makedev(line.device_major, line.device_minor);
  return same ? std::move(fd) : Fd();
}

/// A descriptor for reading from an O_PATH one whose type was checked: no path is walked again.
Fd reopen_for_reading(int path_fd) {
  char name[40];
  std::snprintf(name, sizeof name, "/proc/self/fd/%d", path_fd);
  return Fd(::open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

}  // namespace

FileRef FileCache::open_mapping(int process_dir, const MapsLine& line, DurationNs now) {
  Fd fd = open_map_file(process_dir, line);
  if (!fd) fd = open_in_root(process_dir, line);
  if (!fd) {
    count("files_not_opened_total", "mapping");
    return nullptr;
  }
  return remember(std::move(fd), unescape_path(line.path), now);
}

FileRef FileCache::open_executable(int process_dir, DurationNs now) {
  Fd fd(::openat(process_dir, "exe", O_PATH | O_CLOEXEC));
  if (!fd) return nullptr;
  char path[4096];
  ssize_t n = ::readlinkat(process_dir, "exe", path, sizeof path);
  return n <= 0 ? nullptr : remember(std::move(fd), std::string(path, static_cast<size_t>(n)), now);
}

FileRef FileCache::remember(Fd path_fd, std::string path, DurationNs now) {
  struct stat st{};
  if (!is_regular(path_fd.get(), st)) {
    count("files_not_opened_total", "not_regular");
    return nullptr;
  }
  int64_t mtime = st.st_mtim.tv_sec * kSecond + st.st_mtim.tv_nsec;
  FileRef& file = files_[{st.st_dev, st.st_ino, mtime, st.st_size}];
  if (!file) {
    file = std::make_shared<MappedFile>();
    // Only a file without a name left is deleted; a living one may well be called "x (deleted)".
    file->deleted = st.st_nlink == 0;
    if (file->deleted && path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
    if (path.size() >= 4096) path.resize(4095);
    file->path = std::move(path);
    file->state = MappedFile::Facts::kUnasked;
    file->fallback_id =
        "inode:" + std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) + ":" + std::to_string(mtime);
  }
  file->last_used = now;
  if (!file->fd) file->fd = reopen_for_reading(path_fd.get());
  if (!file->fd) count("files_not_opened_total", "no_read_right");
  FileRef result = file;
  if (files_.size() > kMaxFiles) expire(now);
  return result;
}

FileRef FileCache::find_open(const std::string& id) {
  for (const auto& [identity, file] : files_)
    if (file->fd && file_id(*file) == id) return file;
  return nullptr;
}

void FileCache::expire(DurationNs now) {
  std::erase_if(files_, [&](const auto& entry) {
    return entry.second.use_count() == 1 && now - entry.second->last_used > kKeepKnown;
  });
  std::vector<MappedFile*> open;
  for (auto& [identity, file] : files_) {
    if (file->fd && now - file->last_used > kKeepOpen) file->fd.reset();
    if (file->fd) open.push_back(file.get());
  }
  std::ranges::sort(open, {}, &MappedFile::last_used);
  for (size_t i = 0; open.size() - i > kMaxOpen; ++i) open[i]->fd.reset();
  if (files_.size() <= kMaxFiles) return;
  std::vector<std::pair<DurationNs, Identity>> by_age;
  for (const auto& [identity, file] : files_) by_age.emplace_back(file->last_used, identity);
  std::ranges::sort(by_age);
  for (size_t i = 0; i < by_age.size() / 4; ++i) files_.erase(by_age[i].second);
  count("files_forgotten_total", "limit", by_age.size() / 4);
}

const FileRef& FileCache::anonymous() {
  static const FileRef file = make_pseudo(WindowFileKind::kAnonymous, "[anon]");
  return file;
}

const FileRef& FileCache::vdso() {
  static const FileRef file = make_pseudo(WindowFileKind::kVdso, "[vdso]");
  return file;
}

const FileRef& FileCache::unknown() {
  static const FileRef file = make_pseudo(WindowFileKind::kUnknown, "[unknown]");
  return file;
}

const std::string& file_id(const MappedFile& file) {
  bool known = file.state == MappedFile::Facts::kKnown && file.facts.is_elf != 0;
  return known ? file.facts.file_id : file.fallback_id;
}

uint64_t file_address(const MappedFile& file, uint64_t offset) {
  if (file.state != MappedFile::Facts::kKnown || file.facts.is_elf == 0) return offset;
  // Mappings are whole pages, so a few bytes around a segment belong to it too.
  for (const auto& s : file.facts.segments)
    if (offset >= s.offset && offset - s.offset < s.size) return offset - s.offset + s.address;
  for (const auto& s : file.facts.segments) {
    uint64_t first = s.offset & ~(kPage - 1);
    if (offset >= first && offset - first < s.size + 2 * kPage) return offset - s.offset + s.address;
  }
  return offset;
}

}  // namespace watchfire::collectors::ebpf
