// Selectors: the text of one that parses means the same selector.

#include <cstdlib>

#include "profile/selector.h"

using namespace watchfire;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const profile::ProfileType type{"process_cpu", "cpu", "nanoseconds", "cpu", "nanoseconds"};
  const Labels labels = {{"service_name", "api"}, {"version", "1.2"}};
  auto first = profile::Selector::parse(text);
  if (!first) {
    int column = first.error().position.column;
    if (column < 1 || static_cast<size_t>(column) > size + 1) std::abort();
    return 0;
  }
  auto again = profile::Selector::parse(first->text());
  if (!again || again->text() != first->text()) std::abort();
  if (first->matches(labels, type) != again->matches(labels, type)) std::abort();
  auto service = profile::Selector::parse(profile::Selector::of_service("process_cpu", text).text());
  if (!service || !service->matches({{"service_name", std::string(text)}}, type)) std::abort();
  return 0;
}
