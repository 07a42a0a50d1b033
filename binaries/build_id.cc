#include "binaries/build_id.h"

#define XXH_INLINE_ALL
#include <elf.h>
#include <xxhash.h>

#include <algorithm>

#include "base/bytes.h"

namespace watchfire::binaries {
namespace {

constexpr size_t kMaxBuildId = 64;
constexpr size_t kEdge = 4096;

size_t align4(size_t n) {
  return (n + 3) & ~size_t{3};
}

}  // namespace

std::string find_build_id(std::span<const std::byte> notes) {
  ByteReader r(notes);
  while (r.remaining() >= sizeof(Elf64_Nhdr)) {
    auto note = r.read<Elf64_Nhdr>();
    auto name = r.take(align4(note.n_namesz));
    // The last note may lack its padding.
    auto desc = r.take(std::min(align4(note.n_descsz), std::max<size_t>(note.n_descsz, r.remaining())));
    if (!r.ok()) return {};
    bool is_id = note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && as_text(name).starts_with("GNU");
    if (is_id && note.n_descsz > 0 && note.n_descsz <= kMaxBuildId) return to_hex(desc.first(note.n_descsz));
  }
  return {};
}

std::string content_id(std::span<const std::byte> file) {
  ByteWriter w;
  w.write(static_cast<uint64_t>(file.size()));
  w.write_bytes(file.first(std::min(kEdge, file.size())));
  w.write_bytes(file.last(std::min(kEdge, file.size())));
  XXH128_canonical_t hash;
  XXH128_canonicalFromHash(&hash, XXH3_128bits(w.bytes().data(), w.size()));
  return "hash:" + to_hex(std::as_bytes(std::span(hash.digest)));
}

}  // namespace watchfire::binaries
