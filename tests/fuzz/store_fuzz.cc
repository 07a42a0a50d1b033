// Blocks of the store. After an even first byte the rest is a block as it stands; after an odd one (u16 length,
// dictionary, item) are chunks that get the checksums right, so that what lies behind them is reached. What opens reads
// as valid profiles, which come back equal from a new block.

#include <zstd.h>

#include "base/bytes.h"
#include "store/embedded/block_codec.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

namespace {

std::string make_block(std::string_view dictionary, std::string_view item) {
  std::string out = "WFBLOCK";
  out += static_cast<char>(store::kBlockVersion);
  ByteWriter footer;
  for (std::string_view raw : {dictionary, item}) {
    std::string packed(ZSTD_compressBound(raw.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 1));
    footer.write(static_cast<uint64_t>(out.size()));
    footer.write(static_cast<uint32_t>(packed.size()));
    footer.write(static_cast<uint32_t>(raw.size()));
    footer.write(crc32c(as_bytes(packed)));
    out += packed;
  }
  ByteWriter tail;
  tail.write(static_cast<uint32_t>(footer.size()));
  tail.write(crc32c(footer.bytes()));
  return out + std::string(footer.text()) + std::string(tail.text()) + "WFEND";
}

void check_profile(const profile::Profile& p) {
  check(profile::validate(p).has_value());
  store::BlockWriter writer;
  writer.add(p);
  std::string bytes = writer.finish();
  auto block = store::BlockReader::open(bytes);
  check(block.has_value());
  auto again = block->profile(0);
  check(again.has_value() && again->sample_count() == p.sample_count() && again->values.size() == p.values.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  std::string made;
  if (data[0] % 2 == 1) {
    size_t length = std::min<size_t>(data[1] | data[2] << 8, rest.size() - 2);
    made = make_block(rest.substr(2, length), rest.substr(2 + length));
    rest = made;
  }
  auto block = store::BlockReader::open(rest);
  if (!block) return 0;
  for (uint32_t i = 0; i < std::min(block->item_count(), 4u); ++i)
    if (auto p = block->profile(i)) check_profile(*p);
  return 0;
}
