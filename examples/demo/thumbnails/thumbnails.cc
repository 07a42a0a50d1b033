// demo-thumbnails keeps the most wanted pictures in order all day. Its planted cause: remember_request sorts the whole
// list after every single request instead of putting one entry in its place.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Picture {
  std::string name;
  uint64_t requests = 0;
};

[[gnu::noinline]] void remember_request(std::vector<Picture>& pictures, size_t which) {
  ++pictures[which].requests;
  std::sort(pictures.begin(), pictures.end(), [](const Picture& a, const Picture& b) {
    return a.requests != b.requests ? a.requests > b.requests : a.name < b.name;
  });
}

[[gnu::noinline]] void serve_requests(std::vector<Picture>& pictures, std::mt19937& random, int count) {
  std::uniform_int_distribution<size_t> pick(0, pictures.size() - 1);
  for (int i = 0; i < count; ++i) remember_request(pictures, pick(random));
}

}  // namespace

int main() {
  std::vector<Picture> pictures;
  for (int i = 0; i < 2000; ++i) pictures.push_back({"picture-" + std::to_string(i) + ".jpg"});
  std::mt19937 random(7);
  for (;;) {
    auto start = std::chrono::steady_clock::now();
    serve_requests(pictures, random, 50);
    // Busy a third of the time.
    std::this_thread::sleep_for(2 * (std::chrono::steady_clock::now() - start));
  }
}
