// perf.data files, perf maps and jitdumps: what is read is valid and within the limits, every sample is in the profile
// or counted, and the processes of a recording add up to the whole. The first byte says which of the three it is.

#include "converters/perfdata/decode.h"
#include "converters/perfdata/runtime_code.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/limits.h"

using namespace watchfire;
using fuzz::check;

namespace {

uint64_t samples_of(const profile::Profile& p) {
  uint64_t sum = 0;
  for (size_t t = 0; t < p.values.size(); t += 2) {
    for (int64_t v : p.values[t]) sum += static_cast<uint64_t>(v);
  }
  return sum;
}

void read_symbols(bool is_jitdump, std::string_view bytes) {
  converters::PerfSymbols symbols(100);
  if (auto status = is_jitdump ? symbols.add_jitdump(bytes) : symbols.add_perf_map(7, bytes); !status) return;
  check(symbols.size() <= 100);
  for (uint64_t address = 0; address < 0x10000; address += 0x800) symbols.find(7, address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'm' || data[0] == 'j') {
    read_symbols(data[0] == 'j', bytes);
    return 0;
  }
  if (auto made = converters::find_runtime_code(bytes, fuzz::tight_limits()))
    check(made->pids.size() <= converters::kMaxRuntimeFiles && made->jitdumps.size() <= converters::kMaxRuntimeFiles);
  converters::PerfDataStats stats;
  auto p = converters::decode_perf_data(bytes, {}, fuzz::tight_limits(), &stats);
  if (!p) return 0;
  fuzz::check_within_limits(*p);
  check(samples_of(*p) == stats.samples);
  check(stats.samples + stats.unknown_event + stats.broken_samples == stats.records["SAMPLE"]);
  auto processes = converters::decode_perf_processes(bytes, {}, fuzz::tight_limits());
  check(processes.has_value());
  uint64_t sum = 0;
  for (const auto& process : *processes) {
    fuzz::check_within_limits(process.profile);
    sum += samples_of(process.profile);
  }
  check(sum == stats.samples);
  return 0;
}
