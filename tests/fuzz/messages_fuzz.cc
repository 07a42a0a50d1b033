// Every message between the processes: what decodes must encode to the same bytes, and hold together.

#include <algorithm>
#include <cstdlib>

#include "base/listeners.h"
#include "base/symbols_message.h"
#include "base/window.h"

using namespace watchfire;

namespace {

void check_same(std::span<const std::byte> a, const std::vector<std::byte>& b) {
  if (!std::ranges::equal(a, b)) std::abort();
}

void check_window(std::span<const std::byte> bytes) {
  auto w = decode_window(bytes);
  if (!w) return;
  for (const auto& s : w->samples)
    for (uint32_t frame : w->stack(s.stack))
      if (w->frames.at(frame).file >= w->files.size() || s.process >= w->processes.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 6) {
    case 0:
      check_window(bytes);
      break;
    case 1:
      if (auto m = decode_listeners(bytes)) check_same(bytes, encode_listeners(*m));
      break;
    case 2:
      if (auto m = decode_wanted_symbols(bytes)) check_same(bytes, encode_wanted_symbols(*m));
      break;
    case 3:
      if (auto m = decode_symbols_answer(bytes)) check_same(bytes, encode_symbols_answer(*m));
      break;
    case 4:
      if (auto m = decode_file_facts(bytes)) check_same(bytes, encode_file_facts(*m));
      break;
    default:
      if (auto m = decode_window_ack(bytes)) check_same(bytes, encode_window_ack(*m));
  }
  return 0;
}
