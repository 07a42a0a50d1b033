#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace watchfire::test {

/// A fresh directory under $TMPDIR that goes away, with all in it, at the end of its life.
class TempDir {
 public:
  TempDir() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/watchfire-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { remove_all(path_); }

  const std::string& path() const { return path_; }

 private:
  static void remove_all(const std::string& path) {
    if (DIR* dir = ::opendir(path.c_str())) {
      while (const dirent* e = ::readdir(dir)) {
        std::string name = e->d_name;
        if (name == "." || name == "..") continue;
        std::string child = path + "/" + name;
        struct stat st{};
        if (::lstat(child.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
          remove_all(child);
        else
          ::unlink(child.c_str());
      }
      ::closedir(dir);
    }
    ::rmdir(path.c_str());
  }
  std::string path_;
};

}  // namespace watchfire::test
