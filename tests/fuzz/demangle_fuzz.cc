// Names: whatever they are, the result is bounded and not empty.

#include "binaries/demangle.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string name(reinterpret_cast<const char*>(data), size);
  for (const std::string& full : {name, "_R" + name, "_ZN" + name, "_Z" + name}) {
    auto text = watchfire::binaries::demangle(full);
    watchfire::fuzz::check(text.size() <= watchfire::binaries::kMaxDemangled && (!text.empty() || full.empty()));
  }
  return 0;
}
