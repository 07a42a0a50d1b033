#include "cli/pprof_shell.h"

#include <gtest/gtest.h>

#include "tests/support/small_profile.h"

namespace watchfire::cli {
namespace {

/// A shell over a small profile; what it says is kept.
struct Session {
  Session() : shell(testing::small_profile(), {}, output()) {}

  PprofShell::Output output() {
    return {.print = [this](std::string_view t) { printed += std::string(t) + "\n"; },
            .print_error = [this](std::string_view t) { errors += std::string(t) + "\n"; },
            .deliver =
                [this](const PprofCommand& c, const std::string& file, std::string_view report) {
                  delivered += std::string(c.name) + ">" + file + "\n";
                  reports += report;
                  return Status();
                }};
  }
  /// What a line makes the shell complain about.
  std::string error_of(std::string_view line) {
    errors.clear();
    EXPECT_TRUE(shell.run_line(line));
    return errors;
  }
  /// The row of a variable in the list of all.
  std::string option(std::string_view name) {
    printed.clear();
    shell.run_line("o");
    size_t at = printed.find("  " + std::string(name) + " ");
    return at == std::string::npos ? "" : printed.substr(at, printed.find('\n', at) - at);
  }

  std::string printed, errors, delivered, reports;
  PprofShell shell;
};

TEST(PprofShell, ends_when_told) {
  Session s;
  EXPECT_FALSE(s.shell.run_line("quit"));
  EXPECT_FALSE(s.shell.run_line(" q "));
  EXPECT_TRUE(s.shell.run_line(""));
}

TEST(PprofShell, says_what_it_does_not_know) {
  Session s;
  EXPECT_EQ(s.error_of("frob"), "unrecognized command: \"frob\"\n");
  EXPECT_EQ(s.error_of("focus foo"), "did you mean: focus=foo\n");
  EXPECT_EQ(s.error_of("focus"), "please specify a value, e.g. focus=<val>\n");
  EXPECT_EQ(s.error_of("peek"), "command peek requires an argument\n");
  EXPECT_EQ(s.error_of("top >"), "unexpected end of line after >\n");
  EXPECT_EQ(s.error_of("trim=perhaps"), "illegal value \"perhaps\" for bool variable\n");
  EXPECT_EQ(s.error_of("sort=size"), "invalid \"sort\" value \"size\"\n");
  EXPECT_EQ(s.error_of("nodecount=x"), "strconv.Atoi: parsing \"x\": invalid syntax\n");
  EXPECT_EQ(s.error_of("help frob"), "Unknown command: frob\n");
}

TEST(PprofShell, refuses_by_name_what_needs_a_browser_or_graphviz) {
  Session s;
  EXPECT_TRUE(s.error_of("web").starts_with("not supported yet: web ("));
  EXPECT_TRUE(s.error_of("disasm main").starts_with("not supported yet: disasm ("));
  EXPECT_EQ(s.delivered, "");
}

TEST(PprofShell, arguments_hold_for_one_command_only) {
  Session s;
  EXPECT_EQ(s.error_of("top5 -cum >out.txt"), "");
  EXPECT_EQ(s.delivered, "top>out.txt\n");
  EXPECT_EQ(s.option("nodecount"), "  nodecount                 = -1                   //: default");
  EXPECT_EQ(s.option("sort"), "  sort                      = flat                 //: [cum | flat]");
}

TEST(PprofShell, variables_stay) {
  Session s;
  EXPECT_EQ(s.error_of("nodecount = 5 //: a few"), "");
  EXPECT_EQ(s.option("nodecount").substr(0, 31), "  nodecount                 = 5");
  EXPECT_EQ(s.error_of("lines=true"), "");
  EXPECT_EQ(s.option("granularity").substr(0, 35), "  granularity               = lines");
  EXPECT_EQ(s.error_of("focus=a"), "");
  EXPECT_EQ(s.error_of(":"), "");
  EXPECT_EQ(s.option("focus").substr(0, 32), "  focus                     = \"\"");
}

TEST(PprofShell, completes_what_is_unambiguous) {
  Session s;
  EXPECT_EQ(s.shell.complete("pe"), "peek");
  EXPECT_EQ(s.shell.complete("t"), "t");
  EXPECT_EQ(s.shell.complete("help gran"), "help granularity");
  EXPECT_EQ(s.shell.complete("tags x"), "tags x");
  EXPECT_EQ(s.shell.complete("top -compa"), "top -tree.compare");
  EXPECT_EQ(s.shell.complete("peek tree"), "peek tree");
}

}  // namespace
}  // namespace watchfire::cli
