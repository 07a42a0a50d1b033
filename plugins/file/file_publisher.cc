#include "plugins/file/file_publisher.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/counters.h"
#include "base/fd.h"
#include "findings/render.h"

namespace watchfire::plugins {
namespace {

constexpr unsigned kFileMode = 0640;

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> out;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return out;
  while (const dirent* e = ::readdir(dir))
    if (e->d_name[0] != '.') out.emplace_back(e->d_name);
  ::closedir(dir);
  std::ranges::sort(out);
  return out;
}

// "2026-11-24T13-40-00Z": sorts by time, and is a safe file name.
std::string directory_name(UnixNs time) {
  std::string name = format_time(time);
  std::ranges::replace(name, ':', '-');
  return name;
}

// Names of attachments are made by us; one that isn't a plain file name is a mistake, never a way out.
bool is_file_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

bool is_digest_directory(const std::string& name) {
  return name.size() == 20 && name.ends_with('Z');
}

class FilePublisher final : public Publisher {
 public:
  FilePublisher(std::string directory, size_t keep) : directory_(std::move(directory)), keep_(keep) {}

  std::string name() const override { return "file:" + directory_; }

  Status publish(const Publication& publication) override {
    for (const auto& [file, content] : publication.attachments)
      if (!is_file_name(file)) return fail(ErrorCode::kInvalidArgument, "'" + file + "' is no name for an attachment");
    std::string name = directory_name(publication.digest.created);
    std::string path = directory_ + "/" + name;
    WF_TRY(make_directories(path, 0750));
    for (const auto& [file, content] : publication.attachments)
      WF_TRY(write_file_atomically(path + "/" + file, content, kFileMode));
    std::string markdown = findings::digest_markdown(publication.digest);
    if (!publication.attachments.empty()) markdown += "\n## Flame graphs\n\n";
    for (const auto& [file, content] : publication.attachments) markdown += "- [" + file + "](" + file + ")\n";
    std::string json = findings::digest_json(publication.digest);
    WF_TRY(write_file_atomically(path + "/digest.md", markdown, kFileMode));
    WF_TRY(write_file_atomically(path + "/digest.json", json, kFileMode));
    WF_TRY(point("latest.md", name + "/digest.md"));
    WF_TRY(point("latest.json", name + "/digest.json"));
    remove_old();
    return {};
  }

 private:
  // A symbolic link replaced in one step.
  Status point(const std::string& link, const std::string& target) {
    std::string path = directory_ + "/" + link, temporary = path + ".tmp";
    ::unlink(temporary.c_str());
    if (::symlink(target.c_str(), temporary.c_str()) < 0) return fail(system_error(errno, "linking " + temporary));
    if (::rename(temporary.c_str(), path.c_str()) < 0) return fail(system_error(errno, "renaming to " + path));
    return {};
  }

  void remove_old() {
    std::vector<std::string> digests;
    for (std::string& name : entries_of(directory_))
      if (is_digest_directory(name)) digests.push_back(std::move(name));
    for (size_t i = 0; i + keep_ < digests.size(); ++i) {
      std::string path = directory_ + "/" + digests[i];
      for (const std::string& file : entries_of(path)) ::unlink((path + "/" + file).c_str());
      ::rmdir(path.c_str());
      count("reports_removed_total");
    }
  }

  const std::string directory_;
  const size_t keep_;
};

}  // namespace

Result<std::unique_ptr<Publisher>> make_file_publisher(const ConfigValue& value, const std::string& default_directory) {
  std::string type, directory = default_directory;
  int64_t keep = 200;
  ObjectReader r(value, "publishers.file");
  r.text("type", type);
  r.text("directory", directory);
  r.integer("keep", keep, 1, 100'000);
  WF_TRY(r.finish());
  if (!directory.starts_with('/') && value.find("directory") != nullptr)
    return fail(config_error(value, "publishers.file.directory: expected an absolute path, found '" + directory + "'"));
  return std::unique_ptr<Publisher>(std::make_unique<FilePublisher>(directory, static_cast<size_t>(keep)));
}

}  // namespace watchfire::plugins
