// A service as gperftools' users write them: it works most of the time, in phases of random length, holds memory, and
// serves what pprof asks.
//
//   gperftools_service PORT HELD_MB [SEED]
//
// GET /pprof/profile?seconds=N, /pprof/heap, /pprof/cmdline, and POST or GET /pprof/symbol; besides them GET /truth
// says what the answers should have said: "seed N" of the draws, "code PHASE START END" in memory, "held BYTES", and
// for each CPU profile served, by the clock of the thread that works while it was taken: "cpu NANOSECONDS" of all and
// "phase NAME NANOSECONDS" of each. Run with TCMALLOC_SAMPLE_PARAMETER set, or the heap is not sampled.
#include <arpa/inet.h>
#include <gperftools/malloc_extension.h>
#include <gperftools/profiler.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

volatile uint64_t sink;
std::mutex truth_mutex;
std::string truth;

int64_t clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// A section each, so that the linker says where the code of each lies.
#define PHASE(NAME)                                             \
  [[gnu::noinline, gnu::section("phase_" #NAME)]] void NAME() { \
    for (uint64_t i = 0; i < 300'000; ++i) sink = sink + i;     \
  }                                                             \
  extern "C" char __start_phase_##NAME[], __stop_phase_##NAME[];
PHASE(alpha)
PHASE(beta)
PHASE(gamma)

struct Phase {
  const char* name;
  void (*run)();
  const char *start, *end;
  int64_t mean_ns = 0;
  std::atomic<int64_t> used_ns = 0;
};
Phase phases[] = {{"alpha", alpha, __start_phase_alpha, __stop_phase_alpha},
                  {"beta", beta, __start_phase_beta, __stop_phase_beta},
                  {"gamma", gamma, __start_phase_gamma, __stop_phase_gamma}};

void work(uint64_t seed) {
  std::mt19937_64 draws(seed);
  auto drawn = [&](int64_t from, int64_t to) { return std::uniform_int_distribution<int64_t>(from, to)(draws); };
  for (Phase& p : phases) p.mean_ns = drawn(2'000'000, 30'000'000);
  int64_t now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  for (;;) {
    for (Phase& p : phases) {
      int64_t until = now + drawn(p.mean_ns / 2, p.mean_ns * 3 / 2);
      while (now < until) {
        p.run();
        int64_t after = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        p.used_ns += after - now;
        now = after;
      }
    }
    usleep(static_cast<useconds_t>(drawn(0, 20'000)));
  }
}

[[gnu::noinline]] char* hold_memory(size_t n) {
  char* p = static_cast<char*>(std::malloc(n));
  std::memset(p, 1, n);
  return p;
}

std::string read_whole(const char* path) {
  std::string out;
  FILE* f = std::fopen(path, "r");
  if (f == nullptr) return out;
  char block[4096];
  while (size_t n = std::fread(block, 1, sizeof block, f)) out.append(block, n);
  std::fclose(f);
  return out;
}

std::string cpu_profile(int seconds) {
  char path[] = "/tmp/gperftools_service_XXXXXX";
  ::close(::mkstemp(path));
  ProfilerStart(path);
  int64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID), phases_before[3];
  for (int i = 0; i < 3; ++i) phases_before[i] = phases[i].used_ns;
  sleep(static_cast<unsigned>(seconds));
  int64_t used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
  ProfilerStop();
  std::string bytes = read_whole(path);
  ::unlink(path);
  std::lock_guard lock(truth_mutex);
  truth += "cpu " + std::to_string(used) + "\n";
  for (int i = 0; i < 3; ++i)
    truth += std::string("phase ") + phases[i].name + " " + std::to_string(phases[i].used_ns - phases_before[i]) + "\n";
  return bytes;
}

std::string answer(const std::string& path) {
  if (path.starts_with("/pprof/profile")) {
    size_t at = path.find("seconds=");
    return cpu_profile(at == std::string::npos ? 1 : std::atoi(path.c_str() + at + 8));
  }
  if (path.starts_with("/pprof/heap")) {
    std::string text;
    MallocExtension::instance()->GetHeapSample(&text);
    return text;
  }
  if (path.starts_with("/pprof/cmdline")) return "gperftools_service\n";
  if (path.starts_with("/pprof/symbol")) return "num_symbols: 0\n";
  if (path.starts_with("/truth")) {
    std::lock_guard lock(truth_mutex);
    return truth;
  }
  return "";
}

void serve(int fd) {
  std::string request;
  char block[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    ssize_t n = ::read(fd, block, sizeof block);
    if (n <= 0) break;
    request.append(block, static_cast<size_t>(n));
  }
  size_t from = request.find(' ') + 1, to = request.find(' ', from);
  std::string body = to == std::string::npos ? "" : answer(request.substr(from, to - from));
  std::string head = std::string("HTTP/1.1 ") + (body.empty() ? "404 Not Found" : "200 OK") +
                     "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  std::string all = head + body;
  for (size_t sent = 0; sent < all.size();) {
    ssize_t n = ::send(fd, all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  ::close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::vector<char*> held;
  constexpr size_t kPiece = 32 << 10;
  // The sampler starts before it has read its parameter and passes over the first 16 MB.
  for (int i = 0; i < 32; ++i) std::free(hold_memory(1 << 20));
  size_t bytes = static_cast<size_t>(std::atoi(argv[2])) << 20;
  for (size_t n = 0; n < bytes; n += kPiece) held.push_back(hold_memory(kPiece));
  truth = "held " + std::to_string(held.size() * kPiece) + "\n";
  uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device{}();
  truth += "seed " + std::to_string(seed) + "\n";
  for (const Phase& p : phases) {
    char line[128];
    std::snprintf(line, sizeof line, "code %s %p %p\n", p.name, static_cast<const void*>(p.start),
                  static_cast<const void*>(p.end));
    truth += line;
  }
  std::thread(work, seed).detach();

  int listener = ::socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 || ::listen(listener, 16) < 0) {
    std::perror("gperftools_service");
    return 1;
  }
  for (;;)
    if (int fd = ::accept(listener, nullptr, nullptr); fd >= 0) std::thread(serve, fd).detach();
}
