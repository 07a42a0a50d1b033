// Loads the embedded store for the kill and crash-image tests.
//
//   store_load write DIR FIRST [--fault ack_before_commit|no_sync]
//       appends profiles FIRST, FIRST+1 ... from four threads until it is killed; prints "N" once N is acknowledged
//   store_load read DIR N...
//       prints "N TOTAL" for each profile asked for on standard input, TOTAL -1 when it is not there
//
// Profile N ends at second N and its values add up to N * 1000 + 7.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "store/embedded/embedded_store.h"

namespace {

using namespace watchfire;

constexpr int kFramesPerStack = 20;
constexpr int kSamples = 30;

profile::ProfilePtr make_profile(int64_t n) {
  profile::Profile p;
  auto str = [&](const std::string& s) { return p.strings.intern(s); };
  p.sample_types = {{str("cpu"), str("nanoseconds")}};
  p.values.resize(1);
  for (int f = 0; f < 100; ++f) {
    auto i = static_cast<uint32_t>(f);
    p.functions.push_back({i + 1u, str("function_" + std::to_string((n + f) % 997)), 0, 0, 0});
    p.lines.push_back({i, 1, 0});
    p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
  }
  for (int s = 0; s < kSamples; ++s) {
    std::vector<uint32_t> stack;
    for (int f = 0; f < kFramesPerStack; ++f) stack.push_back(static_cast<uint32_t>((s * 7 + f * 3) % 100));
    int64_t value = s == 0 ? n * 1000 + 7 - (kSamples - 1) : 1;
    p.add_sample(stack, {}, std::vector<int64_t>{value});
  }
  return std::make_shared<const profile::Profile>(std::move(p));
}

store::EmbeddedOptions options_for(const char* directory, const std::string& fault) {
  store::EmbeddedOptions o;
  o.directory = directory;
  o.head_profiles = 64;  // so that blocks are made all the time
  if (fault == "ack_before_commit") o.fault_for_test = store::EmbeddedOptions::Fault::kAcknowledgeBeforeCommit;
  if (fault == "no_sync") o.fault_for_test = store::EmbeddedOptions::Fault::kNoSync;
  return o;
}

int write_profiles(store::Store& store, int64_t first) {
  std::atomic<int64_t> next{first};
  auto work = [&] {
    for (;;) {
      int64_t n = next++;
      store::Entry e{{{"service_name", "load"}}, "process_cpu", {n * kSecond - kSecond, n * kSecond}, make_profile(n)};
      if (Status done = store.append({std::move(e)}); !done) {
        std::fprintf(stderr, "store_load: %s\n", done.error().text().c_str());
        continue;
      }
      std::string line = std::to_string(n) + "\n";
      if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (auto& t : threads) t.join();
  return 0;
}

int read_profiles(store::Store& store) {
  auto selector = profile::Selector::parse("process_cpu{service_name=\"load\"}");
  long long n = 0;
  while (std::scanf("%lld", &n) == 1) {
    auto merged = store.merge(*selector, {n * kSecond - 1, n * kSecond}, {});
    int64_t total = merged ? 0 : -1;
    if (merged)
      for (int64_t v : merged->profile->values[0]) total += v;
    std::printf("%lld %lld\n", n, static_cast<long long>(total));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::string mode = argv[1], fault;
  for (int i = 3; i + 1 < argc; ++i)
    if (std::string(argv[i]) == "--fault") fault = argv[i + 1];
  auto store = store::EmbeddedStore::open(options_for(argv[2], fault));
  if (!store) {
    std::fprintf(stderr, "store_load: %s\n", store.error().text().c_str());
    return 1;
  }
  return mode == "write" ? write_profiles(**store, argc > 3 ? std::atoll(argv[3]) : 1) : read_profiles(**store);
}
