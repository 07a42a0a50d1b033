#include "cli/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace watchfire::cli {
namespace {

TEST(NearestName, is_what_a_misspelt_word_means) {
  const std::vector<std::string> names = {"top", "tree", "tags", "--focus", "--tagfocus", "--o", "convert"};
  for (auto [word, name] : {std::pair{"tpo", "top"},
                            {"tre", "tree"},
                            {"--focsu", "--focus"},
                            {"-focus", "--focus"},
                            {"tagfocs", "--tagfocus"},
                            {"konvert", "convert"},
                            {"top", "top"},
                            {"frobnicate", ""},
                            {"xyz", ""},
                            {"", ""},
                            {"--", ""},
                            {"x", ""}})
    EXPECT_EQ(nearest_name(word, names), name) << word;
  EXPECT_EQ(nearest_name(std::string(100'000, 'x'), names), "");
}

}  // namespace
}  // namespace watchfire::cli
