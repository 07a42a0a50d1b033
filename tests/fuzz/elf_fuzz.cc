// ELF files, Go's function table within: facts and symbols of any bytes.

#include "binaries/symbolizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = std::as_bytes(std::span(data, size));
  constexpr uint64_t kAddresses[] = {0, 0x1000, 0x400815, 0x401000, 0x7fffffffffff, UINT64_MAX};
  watchfire::binaries::inspect_file(file, true);
  (void)watchfire::binaries::symbolize(file, kAddresses);
  return 0;
}
