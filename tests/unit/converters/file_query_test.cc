#include "converters/file_query.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace watchfire::converters {
namespace {

TEST(FileQuery, takes_the_time_of_perfs_clocks_for_cpu_time) {
  test::TempDir dir;
  std::string path = dir.path() + "/recorded.txt";
  std::ofstream file(path);
  for (const char* at : {"10.000000", "10.500000", "11.000000"})
    file << "job 7 " << at << ":  250000000 task-clock:u: \n\t  4011d6 work+0x6 (/usr/bin/job)\n\n"
         << "job 7 " << at << ":  1000000 cycles:u: \n\t  4011d6 work+0x6 (/usr/bin/job)\n\n";
  file.close();

  FileQuery query;
  std::vector<std::string> notes;
  ASSERT_TRUE(query.add({path}, {0, kHour}, notes));
  auto cpu = query.merge(*profile::Selector::parse("process_cpu:cpu"), {0, kHour}, {});
  ASSERT_TRUE(cpu) << cpu.error().text();
  EXPECT_EQ(cpu->type.sample_unit, "nanoseconds");
  EXPECT_EQ(cpu->profile->values[0][0], 750'000'000);
  EXPECT_EQ(cpu->covered, kSecond);
}

}  // namespace
}  // namespace watchfire::converters
