#include "plugins/spool.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/counters.h"
#include "base/fd.h"

namespace watchfire::plugins {
namespace {
constexpr std::string_view kSuffix = ".message";
constexpr size_t kMaxMessageBytes = 1u << 20;
}  // namespace

std::string Spool::path(uint64_t number) const {
  char name[32];
  std::snprintf(name, sizeof name, "%012llu", static_cast<unsigned long long>(number));
  return directory_ + "/" + name + std::string(kSuffix);
}

Result<Spool> Spool::open(const std::string& directory, Limits limits) {
  WF_TRY(make_directories(directory, 0750));
  Spool spool(directory, limits);
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return fail(system_error(errno, "opening " + directory));
  while (const dirent* e = ::readdir(dir)) {
    std::string_view name(e->d_name);
    uint64_t number = 0;
    if (!name.ends_with(kSuffix)) continue;
    std::from_chars(name.data(), name.data() + name.size() - kSuffix.size(), number);
    struct stat st{};
    if (number == 0 || ::stat(spool.path(number).c_str(), &st) != 0) continue;
    spool.files_.push_back({number, static_cast<uint64_t>(st.st_size)});
  }
  ::closedir(dir);
  std::ranges::sort(spool.files_, {}, &File::number);
  if (!spool.files_.empty()) spool.next_ = spool.files_.back().number + 1;
  return spool;
}

Status Spool::add(const std::string& message) {
  if (message.size() > kMaxMessageBytes) return fail(ErrorCode::kResourceExhausted, "a message over 1 MB is not kept");
  WF_TRY(write_file_atomically(path(next_), message, 0640));
  files_.push_back({next_++, message.size()});
  auto bytes = [&] {
    uint64_t sum = 0;
    for (const File& f : files_) sum += f.bytes;
    return sum;
  };
  while (files_.size() > limits_.messages || (files_.size() > 1 && bytes() > limits_.bytes)) {
    count_lost("messages", "spool_full");
    pop();
  }
  return {};
}

Result<std::string> Spool::front() const {
  return read_file(path(files_.front().number), kMaxMessageBytes);
}

void Spool::pop() {
  ::unlink(path(files_.front().number).c_str());
  files_.pop_front();
}

}  // namespace watchfire::plugins
