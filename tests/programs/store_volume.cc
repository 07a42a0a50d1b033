// Fills the embedded store and measures it; each figure is a line "NAME VALUE".
//
//   store_volume limit DIR TOTAL_MB LIMIT_MB    appends TOTAL_MB of encoded profiles to a store of LIMIT_MB, then
//   reads;
//                                               fails when the disk use was ever above the limit and one block
//   store_volume digest DIR SERVICES WINDOWS    appends a profile a service and window, then merges each service's
//                                               profiles twice, as a digest does
#include <dirent.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/fd.h"
#include "store/embedded/block_codec.h"
#include "store/embedded/embedded_store.h"

namespace {

using namespace watchfire;

constexpr UnixNs kStart = 1'800'000'000 * kSecond;
uint64_t random_state = 1;

uint64_t next_random() {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

// What the files below a directory take on the disk.
uint64_t disk_use(const std::string& path) {
  uint64_t total = 0;
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return 0;
  while (const dirent* e = ::readdir(dir)) {
    if (e->d_name[0] == '.') continue;
    std::string child = path + "/" + e->d_name;
    struct stat st{};
    if (::lstat(child.c_str(), &st) != 0) continue;
    total += S_ISDIR(st.st_mode) ? disk_use(child) : static_cast<uint64_t>(st.st_blocks) * 512;
  }
  ::closedir(dir);
  return total;
}

uint64_t largest_file(const std::string& path) {
  uint64_t most = 0;
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return 0;
  while (const dirent* e = ::readdir(dir)) {
    struct stat st{};
    if (::lstat((path + "/" + e->d_name).c_str(), &st) == 0 && S_ISREG(st.st_mode))
      most = std::max(most, static_cast<uint64_t>(st.st_size));
  }
  ::closedir(dir);
  return most;
}

void add_function(profile::Profile& p, const std::string& name) {
  auto i = static_cast<uint32_t>(p.functions.size());
  p.functions.push_back({i + 1u, p.strings.intern(name), p.strings.intern(name), 0, 0});
  p.lines.push_back({i, 1, 0});
  p.locations.push_back({i + 1u, 0x1000u + i, profile::kNone, i, 1, false});
}

profile::Profile empty_profile() {
  profile::Profile p;
  p.sample_types = {{p.strings.intern("cpu"), p.strings.intern("nanoseconds")}};
  p.values.resize(1);
  return p;
}

// About 64 kB that can't be compressed.
profile::Profile noise() {
  profile::Profile p = empty_profile();
  for (uint32_t i = 0; i < 800; ++i) {
    std::string name;
    while (name.size() < 80) name += static_cast<char>(' ' + next_random() % 95);
    add_function(p, name);
    uint32_t stack[] = {i};
    p.add_sample(stack, {}, std::vector<int64_t>{static_cast<int64_t>(next_random() >> 20)});
  }
  return p;
}

// A service's window: 200 stacks of 25 frames among its 400 functions.
profile::Profile window_of(int service) {
  profile::Profile p = empty_profile();
  for (int f = 0; f < 400; ++f)
    add_function(p, "service" + std::to_string(service) + "::namespace::Class" + std::to_string(f / 10) + "::method" +
                        std::to_string(f));
  for (int s = 0; s < 200; ++s) {
    std::vector<uint32_t> stack;
    uint64_t x = static_cast<uint64_t>(s) * 2654435761u + 1;
    for (int f = 0; f < 25; ++f) stack.push_back(static_cast<uint32_t>((x >> f) * 31 % 400));
    p.add_sample(stack, {}, std::vector<int64_t>{static_cast<int64_t>(1 + next_random() % 100'000'000)});
  }
  return p;
}

store::Entry entry(const std::string& service, UnixNs end, profile::Profile p) {
  return {{{"service_name", service}},
          "process_cpu",
          {end - 10 * kSecond, end},
          std::make_shared<const profile::Profile>(std::move(p))};
}

std::unique_ptr<store::Store> open_store(const char* directory, uint64_t max_bytes) {
  store::EmbeddedOptions options;
  options.directory = directory;
  options.max_bytes = max_bytes;
  auto opened = store::EmbeddedStore::open(options);
  if (opened) return *std::move(opened);
  std::fprintf(stderr, "store_volume: %s\n", opened.error().text().c_str());
  std::exit(1);
}

int run_limit(const char* directory, uint64_t total, uint64_t limit) {
  auto store = open_store(directory, limit);
  std::string blocks = std::string(directory) + "/blocks";
  std::atomic<bool> done{false};
  std::atomic<uint64_t> most{0}, block{0};
  auto look = [&] {
    most = std::max(most.load(), disk_use(directory));
    block = std::max(block.load(), largest_file(blocks));
  };
  std::thread watcher([&] {
    while (!done) {
      look();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  uint64_t written = 0;
  UnixNs end = kStart;
  while (written < total) {
    std::vector<store::Entry> entries;
    for (int i = 0; i < 8; ++i) {
      profile::Profile p = noise();
      store::BlockWriter encoded;
      encoded.add(p);
      written += encoded.finish().size();
      entries.push_back(entry("load", end += 10 * kSecond, std::move(p)));
    }
    if (Status s = store->append(std::move(entries)); !s) {
      std::fprintf(stderr, "store_volume: %s\n", s.error().text().c_str());
      return 1;
    }
  }
  done = true;
  watcher.join();
  std::printf("written %lu\nlimit %lu\nlargest_block %lu\nmost_on_disk %lu\n", written, limit, block.load(),
              most.load());
  bool within = most <= limit + block;
  auto newest = store->merge(*profile::Selector::parse("process_cpu"), {end - kMinute, end}, {});
  auto oldest = store->merge(*profile::Selector::parse("process_cpu"), {kStart, kStart + kMinute}, {});
  auto all = store->merge(*profile::Selector::parse("process_cpu"), {kStart, end}, {});
  std::printf("newest_profiles %lu\noldest_profiles %lu\nall_profiles %lu\nall_partial %d\n",
              newest ? newest->profile_count : 0, oldest ? oldest->profile_count : 0, all ? all->profile_count : 0,
              all && all->stats.partial);
  return within && newest && newest->profile_count == 6 && !oldest && all ? 0 : 1;
}

int run_digest(const char* directory, int services, int windows) {
  auto store = open_store(directory, 2ull << 30);
  for (int w = 0; w < windows; ++w) {
    std::vector<store::Entry> entries;
    for (int s = 0; s < services; ++s)
      entries.push_back(entry("service" + std::to_string(s), kStart + (w + 1) * 10 * kSecond, window_of(s)));
    if (Status added = store->append(std::move(entries)); !added) return 1;
  }
  for (int i = 0; i < 100 && store->info().head_profiles >= 2000; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  store::StoreInfo info = store->info();
  std::printf("profiles %lu\nblocks %lu\nhead_profiles %lu\nbytes %lu\n", info.profiles, info.blocks,
              info.head_profiles, info.bytes);
  int64_t begin = boot_ns();
  uint64_t merged = 0;
  for (int s = 0; s < services; ++s)
    for (int again = 0; again < 2; ++again) {
      auto m = store->merge(*profile::Selector::parse("process_cpu{service_name=\"service" + std::to_string(s) + "\"}"),
                            {kStart, kStart + windows * 10 * kSecond}, {});
      if (!m) return 1;
      merged += m->profile_count;
    }
  std::printf("merged_profiles %lu\nmilliseconds %.0f\n", merged, static_cast<double>(boot_ns() - begin) / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  std::string mode = argv[1];
  auto number = [&](int i) { return std::strtoull(argv[i], nullptr, 10); };
  if (mode == "limit") return run_limit(argv[2], number(3) << 20, number(4) << 20);
  return run_digest(argv[2], static_cast<int>(number(3)), static_cast<int>(number(4)));
}
