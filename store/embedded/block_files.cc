#include "store/embedded/block_files.h"

#include <dirent.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "base/fd.h"

namespace watchfire::store {
namespace {
constexpr std::string_view kSuffix = ".block";
constexpr size_t kMaxBlockBytes = 256u << 20;
}  // namespace

std::string BlockFiles::path(int64_t id) const {
  return directory_ + "/" + std::to_string(id) + std::string(kSuffix);
}

Status BlockFiles::create_directory() const {
  return make_directories(directory_, 0750);
}

Status BlockFiles::write(int64_t id, std::string_view bytes) const {
  return write_file_atomically(path(id), bytes, 0640);
}

Result<std::string> BlockFiles::read(int64_t id) const {
  return read_file(path(id), kMaxBlockBytes);
}

void BlockFiles::remove(int64_t id) const {
  ::unlink(path(id).c_str());
}

void BlockFiles::set_aside(int64_t id) const {
  ::rename(path(id).c_str(), (path(id) + ".damaged").c_str());
}

std::vector<int64_t> BlockFiles::list() const {
  std::vector<int64_t> ids;
  DIR* dir = ::opendir(directory_.c_str());
  if (dir == nullptr) return ids;
  while (const dirent* entry = ::readdir(dir)) {
    std::string_view name(entry->d_name);
    int64_t id = 0;
    if (!name.ends_with(kSuffix)) continue;
    std::string_view digits = name.substr(0, name.size() - kSuffix.size());
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (ec == std::errc() && end == digits.data() + digits.size()) ids.push_back(id);
  }
  ::closedir(dir);
  return ids;
}

}  // namespace watchfire::store
