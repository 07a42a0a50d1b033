#pragma once

#include <cstddef>
#include <span>

namespace watchfire::binaries {

/// True when a program contains handlers that serve profiles over HTTP: Go's net/http/pprof, or one that answers
/// /debug/pprof/profile or gperftools' /pprof/profile. Looks for their names in the bytes, so it works when stripped.
/// It says that they are linked in, not that they are registered.
bool has_pprof_handlers(std::span<const std::byte> file);

}  // namespace watchfire::binaries
