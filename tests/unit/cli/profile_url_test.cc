#include "cli/profile_url.h"

#include <gtest/gtest.h>

namespace watchfire::cli {
namespace {

std::string url_of(std::string_view source, int seconds = 0) {
  return make_profile_url(source, seconds, 0).url;
}

TEST(ProfileUrl, hosts_and_ports_are_enough) {
  EXPECT_EQ(url_of("localhost:6060"), "http://localhost:6060/debug/pprof/profile");
  EXPECT_EQ(url_of("10.0.0.7:6060/debug/pprof/heap"), "http://10.0.0.7:6060/debug/pprof/heap");
  EXPECT_EQ(url_of("http://a"), "http://a/debug/pprof/profile");
  EXPECT_EQ(url_of("https+insecure://a:1/x"), "https+insecure://a:1/x");
  EXPECT_EQ(url_of("HTTP://[::1]:6060/"), "http://[::1]:6060/debug/pprof/profile");
}

TEST(ProfileUrl, files_are_none) {
  EXPECT_EQ(url_of("cpu.pb.gz"), "");
  EXPECT_EQ(url_of("dir/cpu.pb.gz"), "");
  EXPECT_EQ(url_of("/dir/cpu.pb.gz"), "");
  EXPECT_EQ(url_of("file:///dir/cpu.pb.gz"), "");
  EXPECT_EQ(url_of("a:b"), "");
  EXPECT_EQ(url_of("http://a\nb/"), "");
}

TEST(ProfileUrl, seconds_become_a_parameter_in_order_of_names) {
  EXPECT_EQ(url_of("a:1/p?seconds=9&b=x+y&a=%2F", 30), "http://a:1/p?a=%2F&b=x+y&seconds=30");
  EXPECT_EQ(url_of("a:1/p?seconds=9"), "http://a:1/p?seconds=9");
}

TEST(ProfileUrl, waiting_lasts_half_as_long_again_as_measuring) {
  EXPECT_EQ(make_profile_url("a:1", 0, 0).timeout, 60 * kSecond);
  EXPECT_EQ(make_profile_url("a:1", 30, 0).timeout, 45 * kSecond);
  EXPECT_EQ(make_profile_url("a:1/p?seconds=10", 0, 0).timeout, 15 * kSecond);
  EXPECT_EQ(make_profile_url("a:1", 30, 7).timeout, 7 * kSecond);
}

}  // namespace
}  // namespace watchfire::cli
