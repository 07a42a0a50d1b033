#pragma once

#include <cstddef>
#include <vector>

namespace watchfire {

/// Asks the kernel to back a large buffer that is about to be filled with large pages: a fault for every 2 MB instead
/// of every 4 kB. Small buffers and kernels that don't know it are left as they are. Call before the buffer is touched.
void use_large_pages(void* data, size_t bytes);

/// Room for `n` elements, with large pages when that is much.
template <typename T>
void reserve_large(std::vector<T>& v, size_t n) {
  v.reserve(n);
  use_large_pages(v.data(), n * sizeof(T));
}

/// Memory that is freed stays with the process, for what it needs next, instead of going back to the kernel at once.
/// For commands that read one file after the other and then end.
void keep_freed_memory();

}  // namespace watchfire
