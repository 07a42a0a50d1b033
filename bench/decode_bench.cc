// Times the decoder and the merger inside one process, as bench/pprof does google/pprof's library.
//
//   decode_bench parse_merge FILE N    nanoseconds of decoding and merging one file, N times, a line each
//   decode_bench decode FILE N         nanoseconds of decoding its message (inflated before), N times; first its bytes
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "converters/pprof/decode.h"
#include "converters/pprof/inflate.h"
#include "profile/merge.h"

namespace {

using namespace watchfire;

constexpr size_t kMaxFileBytes = 1u << 30;

template <typename T>
T need(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "decode_bench: %s\n", result.error().text().c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  keep_freed_memory();  // as the commands do
  std::string bytes = need(read_file(argv[2], kMaxFileBytes));
  converters::DecodeLimits limits;
  converters::InflatedBytes inflated = need(converters::inflate_profile(bytes, limits));
  bool whole = std::strcmp(argv[1], "parse_merge") == 0;
  if (!whole) std::printf("%zu\n", inflated.bytes.size());
  for (int i = std::atoi(argv[3]); i > 0; --i) {
    int64_t start = boot_ns();
    if (whole) {
      profile::Profile p = need(converters::decode_pprof(bytes, limits, nullptr, converters::Tables::kAsOnWire));
      const profile::Profile* one[] = {&p};
      need(profile::merge(one));
    } else {
      need(converters::decode_pprof_message(inflated.bytes, limits));
    }
    std::printf("%ld\n", static_cast<long>(boot_ns() - start));
  }
}
