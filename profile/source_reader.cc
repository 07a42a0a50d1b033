#include "profile/source_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "base/fd.h"
#include "profile/paths.h"

namespace watchfire::profile {
namespace {

constexpr size_t kMaxBytes = 64 << 20;

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

Result<Fd> open_regular(const std::string& path) {
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return fail(ErrorCode::kNotFound, "open " + path + ": " + lower_first(std::strerror(errno)));
  struct stat st{};
  if (fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    return fail(ErrorCode::kUnsupported, "open " + path + ": not a regular file");
  }
  return fd;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

SourceReader::SourceReader(std::string_view search_path, std::string_view trim_path)
    : search_path_(search_path), trim_path_(trim_path) {
  char here[PATH_MAX];
  if (search_path_.empty() && getcwd(here, sizeof here) != nullptr) search_path_ = here;
}

const Result<std::vector<std::string>>& SourceReader::lines(const std::string& path) {
  auto it = files_.find(path);
  if (it == files_.end()) it = files_.emplace(path, read(path)).first;
  return it->second;
}

Result<std::vector<std::string>> SourceReader::read(const std::string& wanted) const {
  std::string path(trim_source_path(wanted, trim_path_, search_path_));
  Fd file;
  if (path.starts_with('/')) {
    WF_ASSIGN(file, open_regular(path));
  }
  for (std::string_view list_dir : file ? std::vector<std::string_view>() : split_path_list(search_path_)) {
    std::string dir = clean_path(list_dir);
    while (!file) {
      if (auto opened = open_regular(clean_path(dir + "/" + path))) file = *std::move(opened);
      size_t slash = dir.rfind('/');
      std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : dir.substr(0, slash);
      if (parent == dir) break;
      dir = parent;
    }
    if (file) break;
  }
  if (!file) return fail(ErrorCode::kNotFound, "could not find file " + path + " on path " + search_path_);
  WF_ASSIGN(std::string text, read_fd(file.get(), kMaxBytes));
  return split_lines(text);
}

}  // namespace watchfire::profile
