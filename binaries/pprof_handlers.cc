#include "binaries/pprof_handlers.h"

#include <cstring>
#include <string_view>

namespace watchfire::binaries {

bool has_pprof_handlers(std::span<const std::byte> file) {
  for (std::string_view mark : {"net/http/pprof.Index", "/pprof/profile"})
    if (::memmem(file.data(), file.size(), mark.data(), mark.size()) != nullptr) return true;
  return false;
}

}  // namespace watchfire::binaries
