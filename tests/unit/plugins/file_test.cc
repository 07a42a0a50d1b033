#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/json_tree.h"
#include "plugins/file/file_publisher.h"
#include "tests/support/temp_dir.h"

namespace watchfire::plugins {
namespace {

constexpr UnixNs kNoon = 1'800'000'000 * kSecond;

Publication publication(UnixNs created, std::map<std::string, std::string> attachments = {}) {
  Publication p;
  p.digest.created = created;
  p.digest.range = {created - kHour, created};
  p.digest.host = "host1";
  p.attachments = std::move(attachments);
  return p;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) return out;
  while (const dirent* e = ::readdir(dir))
    if (std::string name = e->d_name; name != "." && name != "..") out.push_back(name);
  ::closedir(dir);
  std::ranges::sort(out);
  return out;
}

std::string link_of(const std::string& path) {
  char target[256];
  ssize_t n = ::readlink(path.c_str(), target, sizeof target);
  return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

struct FilePublisherTest : ::testing::Test {
  std::unique_ptr<Publisher> make(const std::string& yaml = "type: file") {
    auto made = make_file_publisher(*parse_config(yaml), directory);
    EXPECT_TRUE(made) << made.error().text();
    return made ? *std::move(made) : nullptr;
  }
  test::TempDir dir;
  std::string directory = dir.path() + "/reports";
};

TEST_F(FilePublisherTest, writes_markdown_json_and_flame_graphs_and_points_at_the_latest) {
  auto publisher = make();
  ASSERT_TRUE(publisher->publish(publication(kNoon, {{"api.svg", "<svg/>"}})));
  ASSERT_TRUE(publisher->publish(publication(kNoon + kMinute, {{"api.svg", "<svg/>"}})));
  auto names = names_in(directory);
  ASSERT_EQ(names.size(), 4u);
  EXPECT_EQ(link_of(directory + "/latest.md"), names[1] + "/digest.md");
  EXPECT_EQ(link_of(directory + "/latest.json"), names[1] + "/digest.json");
  EXPECT_EQ(names_in(directory + "/" + names[1]), (std::vector<std::string>{"api.svg", "digest.json", "digest.md"}));
  EXPECT_NE(read_file(directory + "/latest.md", 1 << 20)->find("(api.svg)"), std::string::npos);
}

TEST_F(FilePublisherTest, keeps_the_newest_and_touches_nothing_else) {
  auto publisher = make("{type: file, keep: 3}");
  ASSERT_TRUE(make_directories(directory + "/mine"));
  ASSERT_TRUE(write_file_atomically(directory + "/mine/notes", "notes"));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(publisher->publish(publication(kNoon + i * kMinute, {{"a.svg", "<svg/>"}})));
  auto names = names_in(directory);
  ASSERT_EQ(names.size(), 3u + 3u);  // latest.json, latest.md, mine
  EXPECT_EQ(link_of(directory + "/latest.json"), names[2] + "/digest.json");
  EXPECT_TRUE(read_file(directory + "/latest.json", 1 << 20));
  EXPECT_TRUE(read_file(directory + "/mine/notes", 100));
}

TEST_F(FilePublisherTest, a_reader_sees_whole_files_only) {
  auto publisher = make("{type: file, keep: 50}");
  ASSERT_TRUE(publisher->publish(publication(kNoon)));
  std::atomic<bool> done{false};
  std::atomic<int> read{0}, broken{0};
  std::thread reader([&] {
    while (!done) {
      auto text = read_file(directory + "/latest.json", 1 << 20);
      ++read;
      if (!text || !parse_json(*text)) ++broken;
    }
  });
  for (int i = 1; i < 40; ++i) ASSERT_TRUE(publisher->publish(publication(kNoon + i * kSecond)));
  // The same digest once more, over the files that are there.
  for (int i = 1; i < 40; ++i) ASSERT_TRUE(publisher->publish(publication(kNoon + 39 * kSecond)));
  done = true;
  reader.join();
  EXPECT_GT(read, 40);
  EXPECT_EQ(broken, 0);
  for (const std::string& name : names_in(directory)) EXPECT_FALSE(name.ends_with(".tmp")) << name;
}

TEST_F(FilePublisherTest, no_attachment_leaves_the_directory) {
  auto publisher = make();
  for (const char* name : {"../escape.svg", "/tmp/watchfire-escape.svg", "..", ".", "", "a/b.svg", ".hidden"}) {
    EXPECT_FALSE(publisher->publish(publication(kNoon, {{name, "<svg/>"}}))) << name;
    EXPECT_TRUE(names_in(directory).empty()) << name;
  }
  EXPECT_TRUE(names_in(dir.path()).empty());
  EXPECT_NE(::access("/tmp/watchfire-escape.svg", F_OK), 0);
}

TEST_F(FilePublisherTest, a_directory_that_cannot_be_written_is_an_error) {
  auto made = make_file_publisher(*parse_config("{type: file, directory: /proc/1/reports}"), directory);
  ASSERT_TRUE(made);
  EXPECT_FALSE((*made)->publish(publication(kNoon)));
  EXPECT_FALSE(make_file_publisher(*parse_config("{type: file, directory: reports}"), directory));
  EXPECT_FALSE(make_file_publisher(*parse_config("{type: file, keep: 0}"), directory));
}

}  // namespace
}  // namespace watchfire::plugins
