// Busy in its own code and in the kernel, half and half: what the package's test looks for in a report.
#include <unistd.h>

#include <cstdint>

[[gnu::noinline]] uint64_t spin_in_user_code(uint64_t x, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i) x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return x;
}

[[gnu::noinline]] void spin_in_kernel(int n) {
  char byte = 0;
  int fds[2];
  if (::pipe(fds) != 0) return;
  for (int i = 0; i < n; ++i)
    if (::write(fds[1], &byte, 1) != 1 || ::read(fds[0], &byte, 1) != 1) break;
  ::close(fds[0]);
  ::close(fds[1]);
}

int main() {
  // Read and written as if others did, too: else the compiler leaves the work out.
  volatile uint64_t x = 88172645463325252ull;
  for (;;) {
    x = spin_in_user_code(x, 10'000'000);
    spin_in_kernel(5'000);
  }
}
