// watchfire-launch with the real collector and parser, and a stand-in for watchfired, as the users they run as.

#include <dirent.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "tests/support/temp_dir.h"

namespace watchfire {
namespace {

std::string status_field(pid_t pid, const std::string& name) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/status", 1u << 16);
  if (!text) return {};
  text->insert(0, "\n");
  size_t at = text->find("\n" + name + ":\t");
  if (at == std::string::npos) return {};
  at += name.size() + 3;
  return text->substr(at, text->find_first_of("\t\n", at) - at);
}

bool wait_until(const std::function<bool()>& holds, int seconds) {
  for (DurationNs end = boot_ns() + seconds * kSecond; boot_ns() < end; ::usleep(50'000))
    if (holds()) return true;
  return false;
}

class LaunchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to start programs as other users";
    for (const char* user : {"watchfire", "watchfire-collect", "watchfire-parse"})
      if (::getpwnam(user) == nullptr) GTEST_SKIP() << "needs the user " << user << " (./run makes it)";
    ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
    for (const char* name : {"watchfire-launch", "watchfire-collect", "watchfire-parse"})
      copy(std::string(PROGRAMS_DIR "/") + name, name);
    copy(TEST_PROGRAMS_DIR "/window_sink", "watchfired");
  }
  void TearDown() override {
    if (launcher_ > 0) {
      ::kill(launcher_, SIGKILL);
      ::waitpid(launcher_, nullptr, 0);
      wait_until([&] { return children().empty(); }, 5);
    }
  }
  void copy(const std::string& from, const std::string& name) {
    auto bytes = read_file(from, 1u << 28);
    ASSERT_TRUE(bytes) << bytes.error().text();
    ASSERT_TRUE(write_file_atomically(dir_.path() + "/" + name, *bytes, 0755));
  }
  void launch() {
    std::string program = dir_.path() + "/watchfire-launch", state = dir_.path() + "/state";
    launcher_ = ::fork();
    if (launcher_ == 0) {
      ::execl(program.c_str(), "watchfire-launch", "--state", state.c_str(), nullptr);
      ::_exit(127);
    }
  }
  /// The launcher's children by name, once they are the programs they shall be.
  std::map<std::string, pid_t> children() const {
    std::map<std::string, pid_t> out;
    DIR* proc = ::opendir("/proc");
    while (const dirent* entry = ::readdir(proc)) {
      auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
      if (pid <= 0 || status_field(pid, "PPid") != std::to_string(launcher_)) continue;
      if (auto name = status_field(pid, "Name"); name != "watchfire-launc") out[name] = pid;
    }
    ::closedir(proc);
    return out;
  }

  test::TempDir dir_;
  pid_t launcher_ = -1;
};

TEST_F(LaunchTest, each_program_has_its_user_and_its_rights_and_no_more) {
  launch();
  ASSERT_TRUE(wait_until([&] { return children().size() == 3; }, 10));
  auto pids = children();
  std::map<std::string, std::pair<const char*, const char*>> wanted{
      {"watchfire-colle", {"watchfire-collect", "000001c400080004"}},
      {"watchfired", {"watchfire", "0000000000000000"}},
      {"watchfire-parse", {"watchfire-parse", "0000000000000000"}}};
  for (const auto& [name, user_and_caps] : wanted) {
    ASSERT_TRUE(pids.contains(name)) << name;
    pid_t pid = pids[name];
    EXPECT_EQ(status_field(pid, "Uid"), std::to_string(::getpwnam(user_and_caps.first)->pw_uid)) << name;
    for (const char* set : {"CapEff", "CapPrm", "CapBnd"})
      EXPECT_EQ(status_field(pid, set), user_and_caps.second) << name << " " << set;
    EXPECT_EQ(status_field(pid, "NoNewPrivs"), "1") << name;
  }
  EXPECT_TRUE(wait_until([&] { return status_field(pids["watchfire-parse"], "Seccomp") == "2"; }, 5));
}

TEST_F(LaunchTest, what_ends_starts_again_and_a_stop_ends_all) {
  launch();
  ASSERT_TRUE(wait_until([&] { return children().size() == 3; }, 10));
  auto before = children();
  for (const char* name : {"watchfire-parse", "watchfired"}) ASSERT_EQ(::kill(before[name], SIGKILL), 0);
  ASSERT_TRUE(wait_until(
      [&] {
        auto now = children();
        return now.size() == 3 && now["watchfire-parse"] != before["watchfire-parse"] &&
               now["watchfired"] != before["watchfired"];
      },
      10));
  EXPECT_EQ(children()["watchfire-colle"], before["watchfire-colle"]) << "the collector outlives the others";
  auto last = children();
  ASSERT_EQ(::kill(launcher_, SIGTERM), 0);
  int status = -1;
  ASSERT_TRUE(wait_until([&] { return ::waitpid(launcher_, &status, WNOHANG) == launcher_; }, 15));
  launcher_ = -1;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  for (const auto& [name, pid] : last) EXPECT_NE(::kill(pid, 0), 0) << name << " is left";
}

TEST_F(LaunchTest, children_end_with_a_launcher_that_is_killed) {
  launch();
  ASSERT_TRUE(wait_until([&] { return children().size() == 3; }, 10));
  auto pids = children();
  ::kill(launcher_, SIGKILL);
  ::waitpid(launcher_, nullptr, 0);
  launcher_ = -1;
  for (const auto& [name, pid] : pids)
    EXPECT_TRUE(wait_until([&] { return ::kill(pid, 0) != 0 || status_field(pid, "State").starts_with("Z"); }, 8))
        << name;
}

TEST_F(LaunchTest, a_directory_that_is_a_link_is_not_followed) {
  ASSERT_TRUE(make_directories(dir_.path() + "/state/run"));
  ASSERT_EQ(::symlink("/etc", (dir_.path() + "/state/run/parse").c_str()), 0);
  launch();
  int status = -1;
  ASSERT_TRUE(wait_until([&] { return ::waitpid(launcher_, &status, WNOHANG) == launcher_; }, 5));
  launcher_ = -1;
  EXPECT_EQ(WEXITSTATUS(status), 1);
  struct stat st{};
  ASSERT_EQ(::stat("/etc", &st), 0);
  EXPECT_EQ(st.st_uid, 0u);
}

}  // namespace
}  // namespace watchfire
