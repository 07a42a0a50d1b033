#include "base/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace watchfire {
namespace {

TEST(JsonWriter, puts_commas_where_they_belong) {
  JsonWriter w;
  w.begin_object().field("a", 1).key("list").begin_array().value(true).null().begin_object().end_object().end_array();
  w.key("empty").begin_array().end_array().field("z", "end").end_object();
  EXPECT_EQ(w.text(), R"({"a":1,"list":[true,null,{}],"empty":[],"z":"end"})");
}

TEST(JsonWriter, numbers_are_exact_and_never_nan) {
  JsonWriter w;
  w.begin_array().value(std::numeric_limits<int64_t>::min()).value(std::numeric_limits<uint64_t>::max());
  w.value(0.1).value(1e300).value(std::nan("")).value(HUGE_VAL).end_array();
  EXPECT_EQ(w.text(), "[-9223372036854775808,18446744073709551615,0.1,1e+300,null,null]");
}

TEST(JsonWriter, keys_and_values_are_escaped) {
  JsonWriter w;
  w.begin_object().field("a\"b", std::string("</script>\n")).end_object();
  EXPECT_EQ(w.text(), R"({"a\"b":"\u003c/script\u003e\n"})");
}

}  // namespace
}  // namespace watchfire
