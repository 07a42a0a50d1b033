#include "base/untrusted_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json_tree.h"

namespace watchfire {
namespace {

// Means something bad in HTML, SVG, JSON, a terminal, a log, Slack and Markdown, all at once.
const std::string kPolyglot = std::string(
                                  "\"'></title><script>alert(1)</script><!--]]><img src=x onerror=alert(1)>"
                                  "\\\",\"admin\":true}\n\r\t2026-01-01 root logged in\n"
                                  "\x1b[31m\x1b]0;title\x07\x1b[2J\x7f<!channel> <!here> <@U123> *bold* `code` ```\n"
                                  "| a | b |\n[x](javascript:alert(1)) ") +
                              '\0' +
                              "\xc2\x9b"                      // C1: CSI
                              "\xe2\x80\xae\xe2\x80\xa8"      // right-to-left override, line separator
                              "\xff\xfe\xc0\xaf\xed\xa0\x80"  // invalid, overlong, surrogate
                              "\xf0\x9f\x98\x80 gr\xc3\xbc\xc3\x9f \xe4\xb8\xad";

bool is_utf8_without_controls(const std::string& s) {
  for (size_t i = 0; i < s.size();) {
    auto b = static_cast<unsigned char>(s[i]);
    size_t n = b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
    if (n == 0 || i + n > s.size() || b < 0x20 || b == 0x7f) return false;
    for (size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80) return false;
    if (b == 0xc2 && static_cast<unsigned char>(s[i + 1]) < 0xa0) return false;
    i += n;
  }
  return true;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct Medium {
  const char* name;
  std::string text;
};

std::vector<Medium> all_of(std::string_view text) {
  return {{"terminal", escape_terminal(text)}, {"log", escape_log(text)},       {"html", escape_html(text)},
          {"json", escape_json(text)},         {"mrkdwn", escape_mrkdwn(text)}, {"markdown", escape_markdown(text)},
          {"prompt", escape_prompt(text)}};
}

TEST(UntrustedText, no_medium_lets_a_control_an_override_or_invalid_utf8_through) {
  for (const auto& [name, text] : all_of(kPolyglot)) {
    EXPECT_TRUE(is_utf8_without_controls(text)) << name << ": " << text;
    EXPECT_FALSE(has(text, "\xe2\x80\xae")) << name;
    EXPECT_FALSE(has(text, "\xe2\x80\xa8")) << name;
  }
}

TEST(UntrustedText, any_single_byte_and_any_pair_of_bytes_is_inert) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      std::string pair = {static_cast<char>(a), static_cast<char>(b)};
      for (const auto& [name, text] : all_of(pair))
        ASSERT_TRUE(is_utf8_without_controls(text)) << name << a << ' ' << b;
    }
}

TEST(UntrustedText, markup_is_no_markup_where_it_would_be_read) {
  for (const std::string& text : {escape_html(kPolyglot), escape_json(kPolyglot)}) {
    EXPECT_EQ(text.find_first_of("<>"), std::string::npos) << text;
    EXPECT_FALSE(has(text, "<!")) << text;
  }
  std::string html = escape_html(kPolyglot);
  EXPECT_EQ(html.find_first_of("\"'"), std::string::npos) << html;
  EXPECT_EQ(escape_html("a&b"), "a&amp;b");
  std::string mrkdwn = escape_mrkdwn(kPolyglot, 10'000);
  EXPECT_EQ(mrkdwn.find_first_of("<>`"), std::string::npos) << mrkdwn;
  EXPECT_TRUE(has(mrkdwn, "&lt;!channel&gt;"));
  std::string markdown = escape_markdown(kPolyglot);
  EXPECT_EQ(markdown.find_first_of("<`|"), std::string::npos) << markdown;
}

TEST(UntrustedText, json_reads_back_as_the_text_it_was) {
  std::string good = "\"quoted\" \\ </script> & \n\t gr\xc3\xbc\xc3\x9f \xe2\x80\xa8 \xf0\x9f\x98\x80";
  auto tree = parse_json("{\"k\":" + json_string(good) + "}");
  ASSERT_TRUE(tree) << tree.error().text();
  EXPECT_EQ(tree->find("k")->scalar, good);
  auto bad = parse_json("{\"k\":" + json_string(kPolyglot) + "}");
  ASSERT_TRUE(bad) << bad.error().text();
  ASSERT_EQ(bad->entries.size(), 1u) << "the text broke out of its string";
}

TEST(UntrustedText, good_text_stays_as_it_is) {
  for (const char* text : {"main.(*Server).Serve", "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad\xf0\x9f\x98\x80", "a[b]{c} 100 %"})
    for (const auto& [name, out] : all_of(text)) EXPECT_EQ(out, text) << name;
}

TEST(UntrustedText, long_text_is_cut_on_a_borders_of_characters_and_entities) {
  std::string wide;
  for (int i = 0; i < 3000; ++i) wide += "\xe4\xb8\xad";
  for (size_t most = 10; most < 40; ++most) {
    std::string log = escape_log(wide, most), mrkdwn = escape_mrkdwn(wide + "<", most);
    EXPECT_LE(log.size(), most);
    EXPECT_LE(mrkdwn.size(), most);
    EXPECT_TRUE(log.ends_with("...") && mrkdwn.ends_with("..."));
    EXPECT_TRUE(is_utf8_without_controls(log)) << most;
    EXPECT_TRUE(is_utf8_without_controls(mrkdwn)) << most;
    std::string entities = escape_mrkdwn(std::string(100, '<'), most);
    EXPECT_EQ((entities.size() - 3) % 4, 0u) << entities;
  }
}

}  // namespace
}  // namespace watchfire
