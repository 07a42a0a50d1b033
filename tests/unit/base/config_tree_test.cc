#include "base/config_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace watchfire {
namespace {

Status read_all(std::string_view yaml, std::string& name, int64_t& n, DurationNs& d, uint64_t& bytes, bool& flag) {
  WF_ASSIGN(ConfigValue root, parse_config(yaml));
  ObjectReader r(root, "thing");
  r.text("name", name);
  r.integer("count", n, 1, 100);
  r.duration("every", d, kSecond, kHour);
  r.bytes("size", bytes, 1, 1 << 30);
  r.flag("enabled", flag);
  return r.finish();
}

struct ConfigTree : ::testing::Test {
  std::string name = "default";
  int64_t n = 7;
  DurationNs d = kMinute;
  uint64_t bytes = 5;
  bool flag = true;
  Status read(std::string_view yaml) { return read_all(yaml, name, n, d, bytes, flag); }
};

TEST_F(ConfigTree, reads_yaml_and_json_and_keeps_defaults) {
  ASSERT_TRUE(read("name: x\ncount: 5\nevery: 10s\nsize: 64MB\nenabled: false\n"));
  EXPECT_EQ(name, "x");
  EXPECT_EQ(n, 5);
  EXPECT_EQ(d, 10 * kSecond);
  EXPECT_EQ(bytes, 64u << 20);
  EXPECT_FALSE(flag);
  ASSERT_TRUE(read(R"({"name": "y"})"));
  EXPECT_EQ(name, "y");
  EXPECT_EQ(n, 5);
}

TEST_F(ConfigTree, what_is_wrong_is_told_with_its_place) {
  struct {
    const char* yaml;
    const char* says;
    const char* place;
  } cases[] = {{"name: x\ncuont: 5\n", "cuont", "line 2, column 8"},
               {"count: 500\n", "count", "line 1, column 8"},
               {"count: five\n", "count", "line 1, column 8"},
               {"every: 10\n", "every", "line 1, column 8"},
               {"size: huge\n", "size", "line 1, column 7"},
               {"enabled: perhaps\n", "enabled", "line 1, column 10"},
               {"name: [x]\n", "name", "line 1, column 7"},
               {"name: x\nname: y\n", "name", "line 2"},
               {"a: &x 1\nb: *x\n", "", "line"},
               {"name: [\n", "", "line"}};
  for (const auto& c : cases) {
    Status s = read(c.yaml);
    ASSERT_FALSE(s) << c.yaml;
    EXPECT_NE(s.error().text().find(c.says), std::string::npos) << c.yaml << s.error().text();
    EXPECT_NE(s.error().text().find(c.place), std::string::npos) << c.yaml << s.error().text();
  }
}

TEST_F(ConfigTree, an_unknown_key_names_its_neighbour) {
  Status s = read("cuont: 5\n");
  ASSERT_FALSE(s);
  EXPECT_NE((s.error().text() + s.error().hint).find("count"), std::string::npos) << s.error().text();
}

TEST_F(ConfigTree, depth_and_size_are_bounded) {
  EXPECT_FALSE(parse_config(std::string(100, '[') + std::string(100, ']')));
  EXPECT_FALSE(parse_config(std::string(1'000'000, '[')));
  std::string many;
  for (int i = 0; i < 110'000; ++i) many += "- 1\n";
  EXPECT_FALSE(parse_config(many));
}

TEST(ParseBytes, reads_units_and_refuses_what_overflows) {
  EXPECT_EQ(*parse_bytes("64MB"), 64ull << 20);
  EXPECT_EQ(*parse_bytes("2 GB"), 2ull << 30);
  EXPECT_EQ(*parse_bytes("17"), 17u);
  for (const char* bad : {"", "MB", "-1", "1XB", "99999999999999999999", "99999999999TB"})
    EXPECT_FALSE(parse_bytes(bad)) << bad;
}

}  // namespace
}  // namespace watchfire
