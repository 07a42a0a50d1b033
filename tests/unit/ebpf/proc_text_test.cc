#include "collectors/ebpf/proc_text.h"

#include <gtest/gtest.h>

namespace watchfire::collectors::ebpf {
namespace {

TEST(MapsLine, takes_the_rest_of_the_line_as_path) {
  auto m = parse_maps_line("7f10a000-7f10b000 r-xp 00001000 fd:01 42      /usr/lib/a b (deleted)");
  ASSERT_TRUE(m);
  EXPECT_EQ(m->start, 0x7f10a000u);
  EXPECT_EQ(m->end, 0x7f10b000u);
  EXPECT_EQ(m->offset, 0x1000u);
  EXPECT_EQ(m->device_major, 0xfdu);
  EXPECT_EQ(m->inode, 42u);
  EXPECT_TRUE(m->executable);
  EXPECT_EQ(m->path, "/usr/lib/a b (deleted)");
}

TEST(MapsLine, has_no_path_for_anonymous_memory) {
  auto m = parse_maps_line("7f10a000-7f10b000 rw-p 00000000 00:00 0 ");
  ASSERT_TRUE(m);
  EXPECT_FALSE(m->executable);
  EXPECT_EQ(m->path, "");
}

TEST(MapsLine, refuses_what_is_no_mapping) {
  for (const char* line : {"", "x", "7f10a000 r-xp 0 0:0 0", "2-1 r-xp 0 0:0 0", "1-2 r 0 0:0 0", "1-2 r-xp zz 0:0 0",
                           "1-2 r-xp 0 00 0", "1-ffffffffffffffffff r-xp 0 0:0 0"})
    EXPECT_FALSE(parse_maps_line(line)) << line;
}

TEST(UnescapePath, takes_back_octal_and_leaves_the_rest) {
  EXPECT_EQ(unescape_path("/a\\012b"), "/a\nb");
  EXPECT_EQ(unescape_path("/a\\b\\9999"), "/a\\b\\9999");
  EXPECT_EQ(unescape_path("/a\\01"), "/a\\01");
}

TEST(StatStart, is_found_behind_a_name_with_parentheses_and_spaces) {
  EXPECT_EQ(parse_stat_start("7 (a) R 1 (b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5551 0 0"), 5551u);
  EXPECT_FALSE(parse_stat_start("7 (a) S 1 2"));
  EXPECT_FALSE(parse_stat_start(""));
}

TEST(Cgroup, of_a_systemd_service) {
  auto c = parse_cgroup("0::/system.slice/nginx.service\n");
  EXPECT_EQ(c.path, "/system.slice/nginx.service");
  EXPECT_EQ(c.unit, "nginx.service");
  EXPECT_EQ(c.container_id, "");
}

TEST(Cgroup, of_a_container_in_each_runtimes_manner) {
  std::string id(64, 'c');
  for (const std::string& text :
       {"0::/system.slice/docker-" + id + ".scope", "12:cpu:/docker/" + id + "\n0::/docker/" + id,
        "0::/kubepods.slice/kubepods-pod0123abcd_0000_1111_2222_333344445555.slice/cri-containerd-" + id + ".scope"})
    EXPECT_EQ(parse_cgroup(text).container_id, id) << text;
  EXPECT_EQ(parse_cgroup("0::/kubepods/burstable/pod0123abcd-0000-1111-2222-333344445555/" + id).pod_uid,
            "0123abcd-0000-1111-2222-333344445555");
  EXPECT_EQ(parse_cgroup("0::/x/" + std::string(65, 'c')).container_id, "");
}

TEST(Cgroup, of_version_1_takes_the_longest_path) {
  EXPECT_EQ(parse_cgroup("3:cpu:/\n2:memory:/a/b\n0::/\n").path, "/a/b");
}

TEST(TcpLine, of_a_listener_in_both_families) {
  auto v4 =
      parse_tcp_line("   0: 0100007F:17AC 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000   0 1589 1");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->address, "127.0.0.1");
  EXPECT_EQ(v4->port, 6060);
  EXPECT_EQ(v4->inode, 1589u);
  EXPECT_TRUE(v4->listening);
  auto v6 = parse_tcp_line(
      "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 01 0:0 0:0 0  0  0 7 1");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->address, "::1");
  EXPECT_FALSE(v6->listening);
  EXPECT_FALSE(parse_tcp_line("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"));
}

TEST(InodeLink, of_the_right_kind_only) {
  EXPECT_EQ(parse_inode_link("socket:[12]", "socket"), 12u);
  EXPECT_FALSE(parse_inode_link("pipe:[12]", "socket"));
  EXPECT_FALSE(parse_inode_link("socket:[12", "socket"));
  EXPECT_FALSE(parse_inode_link("socket:[]", "socket"));
}

}  // namespace
}  // namespace watchfire::collectors::ebpf
