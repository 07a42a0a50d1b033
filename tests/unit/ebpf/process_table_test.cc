#include "collectors/ebpf/process_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

#include "base/fd.h"
#include "collectors/ebpf/listener_scan.h"
#include "collectors/ebpf/window_builder.h"
#include "tests/support/temp_dir.h"

namespace watchfire::collectors::ebpf {
namespace {

/// A /proc of our own making.
class FakeProc {
 public:
  explicit FakeProc(std::string root) : root_(std::move(root)) {}

  void add(uint32_t pid, uint64_t start_ticks, const std::string& maps) {
    std::string dir = root_ + "/" + std::to_string(pid);
    ASSERT_TRUE(make_directories(dir + "/map_files"));
    ASSERT_TRUE(make_directories(dir + "/ns"));
    put(pid, "stat",
        std::to_string(pid) + " (x) S 1 7 7 0 -1 0 1 0 0 0 0 0 0 0 20 0 1 0 " + std::to_string(start_ticks) + " 0 0");
    put(pid, "maps", maps);
    put(pid, "cgroup", "0::/system.slice/api.service\n");
    link(pid, "ns/pid", "pid:[4026531836]");
    link(pid, "ns/net", "net:[4026531840]");
  }
  void put(uint32_t pid, const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(root_ + "/" + std::to_string(pid) + "/" + name, text));
  }
  void link(uint32_t pid, const std::string& name, const std::string& target) {
    std::string path = root_ + "/" + std::to_string(pid) + "/" + name;
    ::unlink(path.c_str());
    ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

constexpr ProcessKey kKey{.pid = 42, .exec_id = 1, .start_boot_ns = 55'510'000'000};  // 5551 ticks of 10 ms

struct ProcessTableTest : ::testing::Test {
  test::TempDir dir;
  FakeProc proc{dir.path() + "/proc"};
  FileCache files;
  ProcessTable table{proc.root(), files};

  std::string make_file(const std::string& name) {
    std::string path = dir.path() + "/" + name;
    EXPECT_TRUE(write_file_atomically(path, "content of " + name));
    return path;
  }
};

TEST_F(ProcessTableTest, mappings_files_and_labels_are_read_at_first_sight) {
  proc.add(42, 5551,
           "1000-2000 r-xp 00003000 fd:01 9 /bin/api\n"
           "2000-3000 rw-p 00000000 fd:01 9 /bin/api\n"
           "5000-6000 r-xp 00000000 00:00 0 \n"
           "7000-8000 r-xp 00000000 00:00 0 [vdso]\n");
  proc.link(42, "map_files/1000-2000", make_file("api"));
  proc.link(42, "exe", make_file("api"));
  auto p = table.find(kKey, {.comm = "api"}, 1);
  EXPECT_EQ(p->info.exe, "api");
  EXPECT_EQ(p->info.unit, "api.service");
  EXPECT_EQ(p->info.pid_namespace, 4026531836u);
  auto in_file = table.resolve(*p, 0x1010, 1);
  EXPECT_EQ(in_file.file, p->executable);
  EXPECT_EQ(in_file.offset, 0x3010u);
  EXPECT_EQ(table.resolve(*p, 0x5010, 1).file, FileCache::anonymous());
  EXPECT_EQ(table.resolve(*p, 0x5010, 1).offset, 0x5010u);
  EXPECT_EQ(table.resolve(*p, 0x7010, 1).file, FileCache::vdso());
  EXPECT_EQ(table.resolve(*p, 0x7010, 1).offset, 0x10u);
  EXPECT_EQ(table.resolve(*p, 0x2010, 1).file, FileCache::unknown());
}

TEST_F(ProcessTableTest, a_pid_given_again_is_another_process) {
  proc.add(42, 9999, "1000-2000 r-xp 00000000 fd:01 9 /bin/other\n");
  proc.link(42, "map_files/1000-2000", make_file("other"));
  auto p = table.find(kKey, {.comm = "api"}, 1);
  EXPECT_EQ(table.resolve(*p, 0x1010, 1).file, FileCache::unknown());
  EXPECT_EQ(p->info.unit, "");
}

TEST_F(ProcessTableTest, samples_of_two_processes_that_had_one_pid_stay_apart) {
  const std::string maps = "1000-2000 r-xp 00000000 fd:01 9 /bin/";
  proc.add(42, 5551, maps + "first\n");
  proc.link(42, "map_files/1000-2000", make_file("first"));
  proc.link(42, "exe", make_file("first"));
  WindowBuilder builder(1u << 20);
  auto sample = [&](const ProcessKey& key, const char* comm, DurationNs now, int64_t weight) {
    ProcessRef p = table.find(key, {.comm = comm}, now);
    Place place = table.resolve(*p, 0x1010, now);
    RawFrame frames[] = {{place.file, place.offset, {}}};
    builder.add({p, key.pid, comm, frames, StackEnd::kEndOfChain, weight});
  };
  sample(kKey, "first", 1, 10);
  proc.add(42, 6000, maps + "second\n");
  proc.link(42, "map_files/1000-2000", make_file("second"));
  proc.link(42, "exe", make_file("second"));
  ProcessKey next{.pid = 42, .exec_id = 1, .start_boot_ns = 60'000'000'000};
  sample(next, "second", 2, 100);
  sample(kKey, "first", 3, 1000);  // read late from another CPU's ring
  sample(next, "second", 3 + 10 * kSecond, 10'000);

  RawWindow w = builder.finish();
  ASSERT_EQ(w.processes.size(), 2u);
  std::map<std::string, int64_t> weights;
  for (const WindowSample& s : w.samples) {
    const WindowProcess& p = w.processes[s.process];
    const std::string& path = w.files[w.frames[w.stack(s.stack)[0]].file].path;
    weights[p.comm + " " + p.exe + " " + path.substr(path.rfind('/') + 1)] += s.weight_ns;
  }
  EXPECT_EQ(weights, (std::map<std::string, int64_t>{{"first first first", 1010}, {"second second second", 10'100}}));
}

TEST_F(ProcessTableTest, exec_makes_another_process_of_the_same_pid) {
  proc.add(42, 5551, "1000-2000 r-xp 00000000 fd:01 9 /bin/a\n");
  proc.link(42, "map_files/1000-2000", make_file("a"));
  auto before = table.find(kKey, {.comm = "a"}, 1);
  proc.put(42, "maps", "1000-2000 r-xp 00000000 fd:01 9 /bin/b\n");
  proc.link(42, "map_files/1000-2000", make_file("b"));
  ProcessKey next = kKey;
  next.exec_id = 2;
  auto after = table.find(next, {.comm = "b"}, 2);
  EXPECT_EQ(table.resolve(*before, 0x1010, 2).file->path, "/bin/a");
  EXPECT_EQ(table.resolve(*after, 0x1010, 2).file->path, "/bin/b");
}

TEST_F(ProcessTableTest, a_child_gone_before_it_was_looked_at_has_its_parents_mappings) {
  proc.add(42, 5551, "1000-2000 r-xp 00000000 fd:01 9 /bin/a\n");
  proc.put(42, "comm", "a\n");
  proc.link(42, "map_files/1000-2000", make_file("a"));
  proc.link(42, "exe", make_file("a"));
  auto child_of_42 = [&](uint32_t pid, uint32_t exec_id, const char* comm) {
    return table.find({.pid = pid, .exec_id = exec_id, .start_boot_ns = 56'000'000'000}, {.comm = comm, .parent = kKey},
                      1);
  };
  auto child = child_of_42(50, 1, "a");
  EXPECT_EQ(table.resolve(*child, 0x1010, 1).file, child->executable);
  EXPECT_EQ(child->info.exe, "a");
  EXPECT_EQ(child->info.unit, "api.service");
  EXPECT_EQ(child->info.pid, 50u);
  EXPECT_EQ(table.resolve(*child_of_42(51, 2, "a"), 0x1010, 1).file, FileCache::unknown()) << "it called exec";
  EXPECT_EQ(table.resolve(*child_of_42(52, 1, "b"), 0x1010, 1).file, FileCache::unknown()) << "it has another name";
}

TEST_F(ProcessTableTest, a_library_loaded_later_is_found_after_a_second) {
  proc.add(42, 5551, "1000-2000 r-xp 00000000 fd:01 9 /bin/a\n");
  proc.link(42, "map_files/1000-2000", make_file("a"));
  auto p = table.find(kKey, {.comm = "a"}, 1);
  proc.put(42, "maps", "1000-2000 r-xp 00000000 fd:01 9 /bin/a\n9000-a000 r-xp 00000000 fd:01 10 /lib/l\n");
  proc.link(42, "map_files/9000-a000", make_file("l"));
  EXPECT_EQ(table.resolve(*p, 0x9010, 1 + kSecond / 2).file, FileCache::unknown());
  EXPECT_EQ(table.resolve(*p, 0x9010, 1 + kSecond).file->path, "/lib/l");
}

TEST_F(ProcessTableTest, only_regular_files_are_opened) {
  std::string fifo = dir.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  proc.add(42, 5551, "1000-2000 r-xp 00000000 fd:01 9 /bin/fifo\n3000-4000 r-xp 00000000 fd:01 9 /dev/null\n");
  proc.link(42, "map_files/1000-2000", fifo);
  proc.link(42, "map_files/3000-4000", "/dev/null");
  auto p = table.find(kKey, {.comm = "a"}, 1);
  EXPECT_EQ(table.resolve(*p, 0x1010, 1).file, FileCache::unknown());
  EXPECT_EQ(table.resolve(*p, 0x3010, 1).file, FileCache::unknown());
}

TEST_F(ProcessTableTest, without_map_files_the_path_counts_only_within_the_root_and_for_the_same_inode) {
  std::string root = dir.path() + "/root";
  ASSERT_TRUE(make_directories(root + "/bin"));
  ASSERT_TRUE(write_file_atomically(root + "/bin/good", "good"));
  std::string secret = make_file("secret");
  ASSERT_EQ(::symlink(secret.c_str(), (root + "/bin/escape").c_str()), 0);
  struct stat good{}, outside{};
  ASSERT_EQ(::stat((root + "/bin/good").c_str(), &good), 0);
  ASSERT_EQ(::stat(secret.c_str(), &outside), 0);
  auto line = [](const char* range, const struct stat& st, unsigned long inode, const char* path) {
    char text[256];
    std::snprintf(text, sizeof text, "%s r-xp 00000000 %02x:%02x %lu %s\n", range, major(st.st_dev), minor(st.st_dev),
                  inode, path);
    return std::string(text);
  };
  proc.add(42, 5551,
           line("1000-2000", good, good.st_ino, "/bin/good") +
               line("3000-4000", good, good.st_ino + 12345, "/bin/good") +
               line("5000-6000", outside, outside.st_ino, "/bin/escape") +
               line("7000-8000", outside, outside.st_ino, "/../secret"));
  proc.link(42, "root", root);
  auto p = table.find(kKey, {.comm = "a"}, 1);
  EXPECT_EQ(table.resolve(*p, 0x1010, 1).file->path, "/bin/good");
  EXPECT_EQ(table.resolve(*p, 0x3010, 1).file, FileCache::unknown()) << "another inode";
  EXPECT_EQ(table.resolve(*p, 0x5010, 1).file, FileCache::unknown()) << "a link out of the root";
  EXPECT_EQ(table.resolve(*p, 0x7010, 1).file, FileCache::unknown()) << "dots out of the root";
}

TEST_F(ProcessTableTest, a_living_file_named_deleted_keeps_its_name) {
  proc.add(42, 5551, "1000-2000 r-xp 00000000 fd:01 9 /bin/x (deleted)\n");
  proc.link(42, "map_files/1000-2000", make_file("x (deleted)"));
  auto p = table.find(kKey, {.comm = "a"}, 1);
  auto place = table.resolve(*p, 0x1010, 1);
  EXPECT_EQ(place.file->path, "/bin/x (deleted)");
  EXPECT_FALSE(place.file->deleted);
}

TEST_F(ProcessTableTest, samples_weigh_what_their_thread_ran_since_the_last) {
  auto p = table.find(kKey, {.comm = "a"}, 1);
  constexpr int64_t kPeriod = 50'000'000;
  EXPECT_EQ(table.weigh(*p, 1, 900'000'000, kPeriod), kPeriod) << "an old thread seen for the first time";
  EXPECT_EQ(table.weigh(*p, 1, 907'000'000, kPeriod), 7'000'000);
  EXPECT_EQ(table.weigh(*p, 1, 905'000'000, kPeriod), 0) << "read out of order: its time was counted before";
  EXPECT_EQ(table.weigh(*p, 1, 910'000'000, kPeriod), 3'000'000) << "and is not counted again";
  EXPECT_EQ(table.weigh(*p, 2, 3'000'000, kPeriod), kPeriod) << "a young one, as often seen as not";
}

TEST_F(ProcessTableTest, the_table_is_bounded) {
  for (uint32_t i = 0; i < ProcessTable::kMaxProcesses + 100; ++i)
    table.find({.pid = i + 100'000, .exec_id = 1, .start_boot_ns = 5}, {.comm = "x", .kernel_thread = true}, i);
  EXPECT_LE(table.size(), ProcessTable::kMaxProcesses);
}

TEST_F(ProcessTableTest, listeners_are_found_by_their_sockets) {
  proc.add(42, 5551, "");
  ASSERT_TRUE(make_directories(proc.root() + "/42/net"));
  ASSERT_TRUE(make_directories(proc.root() + "/42/fd"));
  ASSERT_TRUE(make_directories(proc.root() + "/self/ns"));
  ASSERT_EQ(::symlink("net:[4026531840]", (proc.root() + "/self/ns/net").c_str()), 0);
  proc.put(42, "comm", "api\n");
  proc.put(42, "net/tcp",
           "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
           "   0: 0100007F:17AC 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000   0 1589 1\n"
           "   1: 0100007F:17AD 0100007F:17AC 01 00000000:00000000 00:00000000 00000000  1000   0 1590 1\n");
  proc.link(42, "fd/3", "socket:[1589]");
  proc.link(42, "fd/4", "socket:[1590]");
  proc.link(42, "fd/5", "pipe:[1589]");
  proc.link(42, "exe", make_file("api"));
  ListenerScan scan(proc.root(), files);
  ASSERT_TRUE(scan.is_due(1));
  scan.run(1);
  EXPECT_FALSE(scan.is_due(2));
  auto found = scan.found();
  ASSERT_EQ(found.listeners.size(), 1u);
  const auto& l = found.listeners[0];
  EXPECT_EQ(l.pid, 42u);
  EXPECT_EQ(l.port, 6060u);
  EXPECT_EQ(l.address, "127.0.0.1");
  EXPECT_EQ(l.comm, "api");
  EXPECT_EQ(l.exe, "api");
  EXPECT_EQ(l.unit, "api.service");
  EXPECT_EQ(l.own_namespace, 1u);
  EXPECT_EQ(l.start_boot_ns, 55'510'000'000);
  EXPECT_EQ(l.has_pprof_handlers, 0u);
  ASSERT_EQ(scan.programs_to_inspect().size(), 1u);
  auto program = scan.programs_to_inspect()[0];
  program->knows_pprof = true;
  program->facts.has_pprof_handlers = 1;
  EXPECT_EQ(scan.found().listeners[0].has_pprof_handlers, 1u);
  EXPECT_TRUE(scan.programs_to_inspect().empty());
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
