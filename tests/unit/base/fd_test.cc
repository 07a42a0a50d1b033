#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace watchfire {
namespace {

struct Output : ::testing::Test {
  test::TempDir dir;
  std::string path = dir.path() + "/out";
  mode_t type() const {
    struct stat st{};
    return ::lstat(path.c_str(), &st) == 0 ? st.st_mode & S_IFMT : 0;
  }
};

TEST_F(Output, to_a_pipe_is_written_in_place_and_never_replaces_it) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  Fd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_TRUE(write_output(path, "report"));
  char text[16] = {};
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 6);
  EXPECT_STREQ(text, "report");
  EXPECT_FALSE(write_file_atomically(path, "report"));
  EXPECT_EQ(type(), mode_t{S_IFIFO});
}

TEST_F(Output, goes_through_a_link_and_keeps_the_files_mode) {
  std::string target = dir.path() + "/target";
  ASSERT_TRUE(write_file_atomically(target, "old", 0640));
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
  EXPECT_TRUE(write_output(path, "new"));
  EXPECT_EQ(type(), mode_t{S_IFLNK});
  EXPECT_EQ(*read_file(target, 100), "new");
  struct stat st{};
  ASSERT_EQ(::stat(target.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0640u);
}

TEST_F(Output, makes_a_file_that_is_not_there) {
  EXPECT_TRUE(write_output(path, "new"));
  EXPECT_EQ(*read_file(path, 100), "new");
}

}  // namespace
}  // namespace watchfire
