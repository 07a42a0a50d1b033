// Selectors: the text of one that parses means the same selector.

#include "profile/selector.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const profile::ProfileType type{"process_cpu", "cpu", "nanoseconds", "cpu", "nanoseconds"};
  const Labels labels = {{"service_name", "api"}, {"version", "1.2"}};
  auto first = profile::Selector::parse(text);
  if (!first) {
    int column = first.error().position.column;
    check(column >= 1 && static_cast<size_t>(column) <= size + 1);
    return 0;
  }
  auto again = profile::Selector::parse(first->text());
  check(again && again->text() == first->text());
  check(first->matches(labels, type) == again->matches(labels, type));
  auto service = profile::Selector::parse(profile::Selector::of_service("process_cpu", text).text());
  check(service && service->matches({{"service_name", std::string(text)}}, type));
  return 0;
}
