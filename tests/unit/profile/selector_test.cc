#include "profile/selector.h"

#include <gtest/gtest.h>

namespace watchfire::profile {
namespace {

const ProfileType kCpu{"process_cpu", "cpu", "nanoseconds", "cpu", "nanoseconds"};

bool matches(std::string_view selector, const Labels& labels, const ProfileType& type = kCpu) {
  auto s = Selector::parse(selector);
  EXPECT_TRUE(s) << selector << ": " << s.error().text();
  return s && s->matches(labels, type);
}

TEST(Selector, matches_by_type_prefix_and_labels) {
  const Labels api = {{"service_name", "api"}, {"version", "1.2"}};
  EXPECT_TRUE(matches("", api));
  EXPECT_TRUE(matches("process_cpu", api));
  EXPECT_TRUE(matches("process_cpu:cpu:nanoseconds:cpu:nanoseconds", api));
  EXPECT_FALSE(matches("process_cpu:samples", api));
  EXPECT_TRUE(matches(R"(process_cpu{service_name="api",version=~"1\\..*"})", api));
  EXPECT_FALSE(matches(R"({version=~"1"})", api));
  EXPECT_TRUE(matches(R"({version!~"2.*",host=""})", api));
  EXPECT_FALSE(matches(R"({service_name!="api"})", api));
}

TEST(Selector, text_parses_to_the_same_selector) {
  for (std::string_view text : {R"(process_cpu:cpu{service_name="a\"b\\c\n"})", R"({x!~"a|b",y=""})", "memory"}) {
    auto first = Selector::parse(text);
    ASSERT_TRUE(first) << text;
    auto again = Selector::parse(first->text());
    ASSERT_TRUE(again) << first->text();
    EXPECT_EQ(again->text(), first->text());
  }
}

struct Bad {
  std::string_view text;
  int column;
  std::string_view says;
};

TEST(Selector, every_mistake_is_told_with_its_column) {
  const Bad bad[] = {
      {"{", 2, "expected a label name"},
      {"process_cpu{service_name=\"api\"", 31, "never closed"},
      {"process_cpu{service_name=api}", 26, "double quotes"},
      {"process_cpu{service_name=\"api}", 26, "closing quote"},
      {"process_cpu{=\"x\"}", 13, "expected a label name"},
      {"process_cpu{1a=\"x\"}", 13, "expected a label name"},
      {"process_cpu{a~\"x\"}", 14, "expected one of"},
      {"process_cpu{a=~\"(\"}", 16, "bad regular expression"},
      {"process_cpu{a=\"x\" b=\"y\"}", 19, "expected ',' or '}'"},
      {"process_cpu{a=\"x\"} more", 20, "text after"},
      {"process cpu{}", 9, "expected '{'"},
      {"a:b:c:d:e:f", 10, "at most five parts"},
      {"process*{}", 8, "unexpected '*'"},
      {"{a=\"\\q\"}", 5, "unknown escape"},
  };
  for (const Bad& b : bad) {
    auto s = Selector::parse(b.text);
    ASSERT_FALSE(s) << b.text;
    EXPECT_EQ(s.error().position.column, b.column) << b.text << ": " << s.error().message;
    EXPECT_NE(s.error().message.find(b.says), std::string::npos) << b.text << ": " << s.error().message;
    EXPECT_FALSE(s.error().hint.empty());
  }
}

}  // namespace
}  // namespace watchfire::profile
