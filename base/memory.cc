#include "base/memory.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>

namespace watchfire {

void use_large_pages(void* data, size_t bytes) {
  constexpr uintptr_t kLargePage = 2u << 20;
  auto begin = (reinterpret_cast<uintptr_t>(data) + kLargePage - 1) & ~(kLargePage - 1);
  auto end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(kLargePage - 1);
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void keep_freed_memory() {
  constexpr int kBytes = 64 << 20;
  (void)::mallopt(M_TRIM_THRESHOLD, kBytes);
  (void)::mallopt(M_MMAP_THRESHOLD, 4 << 20);
  (void)::mallopt(M_TOP_PAD, 1 << 20);
}

}  // namespace watchfire
