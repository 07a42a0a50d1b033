#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <sstream>

#include "base/fd.h"
#include "cli/pprof_command.h"
#include "converters/pprof/inflate.h"

namespace watchfire::cli {
namespace {

constexpr size_t kMaxBytes = 64 << 20;

std::string inflated(const std::string& bytes) {
  auto r = converters::inflate_profile(bytes, converters::DecodeLimits::offline());
  return r ? std::string(r->bytes) : "";
}

struct Case {
  std::string command;
  std::string file;
};

/// The string value of a line `"key": "value",`; "" for other lines.
std::string value_of(std::string_view line, std::string_view key) {
  std::string start = "\"" + std::string(key) + "\": \"";
  if (!line.starts_with(start)) return "";
  line.remove_prefix(start.size());
  std::string value;
  for (size_t i = 0; i < line.size() && line[i] != '"'; ++i) value += line[i] == '\\' ? line[++i] : line[i];
  return value;
}

/// The recorded cases; the manifest has one key a line.
std::vector<Case> read_cases(const std::string& folder) {
  std::vector<Case> cases;
  std::istringstream manifest(*read_file(folder + "/manifest.json", kMaxBytes));
  Case current;
  for (std::string line; std::getline(manifest, line);) {
    if (std::string command = value_of(line, "cmd"); !command.empty()) current = {command, ""};
    if (std::string file = value_of(line, "file"); !file.empty()) {
      current.file = file;
      cases.push_back(current);
    }
  }
  return cases;
}

std::vector<std::string> split(const std::string& text) {
  std::istringstream words(text);
  std::vector<std::string> out;
  for (std::string word; words >> word;) out.push_back(word);
  return out;
}

TEST(PprofGolden, prints_what_the_recorded_reference_printed) {
  const char* corpus = std::getenv("WATCHFIRE_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "WATCHFIRE_CORPUS is not set";
  setenv("TZ", "UTC", 1);
  tzset();
  ASSERT_EQ(chdir(corpus), 0);
  std::string folder = "oracle-pprof-2026-10-16";
  std::vector<Case> cases = read_cases(folder);
  ASSERT_GT(cases.size(), 1000u);
  size_t identical = 0;
  for (const Case& c : cases) {
    std::vector<std::string> words = split(c.command);
    std::vector<std::string_view> views(words.begin(), words.end());
    std::string output;
    std::vector<std::string> notes;
    auto got = pprof_report(views, output, notes);
    ASSERT_TRUE(got) << c.command << ": " << got.error().text();
    std::string want = inflated(*read_file(folder + "/" + c.file, kMaxBytes));
    bool same = (got->starts_with("\x1f\x8b") ? inflated(*got) : *got) == want;
    EXPECT_TRUE(same) << c.command;
    identical += same;
  }
  EXPECT_EQ(identical, cases.size());
}

}  // namespace
}  // namespace watchfire::cli
