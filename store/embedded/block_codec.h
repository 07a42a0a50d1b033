#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace watchfire::store {

/// The store's format of profiles on disk: one dictionary shared by many profiles, then each profile's samples.
///
///   block := "WFBLOCK" version:u8, dictionary chunk, item chunk*, footer, footer_bytes:u32, footer_crc:u32, "WFEND"
///   chunk := zstd frame;  footer := for each chunk offset:u64 bytes:u32 raw_bytes:u32 crc32c:u32
///
/// Stacks are sorted from the root on and written as (frames shared with the one before, new frames), so a
/// common prefix is written once. Samples are sorted by stack; every column is a run of varints.
inline constexpr uint8_t kBlockVersion = 1;

/// One profile's samples against a block's dictionary.
struct BlockItem {
  std::vector<uint32_t> stacks;
  std::vector<uint32_t> label_sets;
  std::vector<std::vector<int64_t>> values;  ///< [sample type][sample]
  std::vector<profile::ValueType> types;
  profile::ValueType period_type;
  int64_t period = 0;
  int64_t time_ns = 0;
  int64_t duration_ns = 0;
  profile::StringId default_type = 0;
};

/// Takes profiles in, gives one block's bytes. Values, stacks, labels, addresses and names come back as they
/// went in; ids, sample order, comments and pruning expressions don't.
class BlockWriter {
 public:
  /// Adds one profile as the next item; returns its number in the block.
  uint32_t add(const profile::Profile& p);
  uint32_t item_count() const { return static_cast<uint32_t>(items_.size()); }
  /// Bytes held, about: for deciding when a block is large enough.
  size_t memory_bytes() const;
  std::string finish();

 private:
  std::string encode_dictionary(std::vector<uint32_t>& new_stack_ids) const;
  static std::string encode_item(const BlockItem& item, const std::vector<uint32_t>& new_stack_ids);

  profile::Profile dictionary_;
  profile::SpanTable<uint64_t> mapping_keys_;
  profile::SpanTable<uint64_t> function_keys_;
  profile::SpanTable<uint64_t> location_keys_;
  std::vector<BlockItem> items_;
};

/// Reads a block. Every byte is checked: CRC first, then each index against its table; a block that lies is
/// kCorrupt. Holds a view of the bytes; one thread.
class BlockReader {
 public:
  static Result<BlockReader> open(std::string_view bytes);

  uint32_t item_count() const { return static_cast<uint32_t>(chunks_.size() - 1); }
  /// The shared dictionary as a profile without samples; decoded once.
  const profile::Profile& dictionary() const { return dictionary_; }

  Result<BlockItem> samples(uint32_t item) const;
  /// The item as a profile of its own (a copy of the dictionary with its samples).
  Result<profile::Profile> profile(uint32_t item) const;

 private:
  struct Chunk {
    uint64_t offset = 0;
    uint32_t bytes = 0;
    uint32_t raw_bytes = 0;
    uint32_t crc = 0;
  };
  Result<std::string> chunk(uint32_t index) const;
  Status decode_dictionary(std::string_view raw);

  std::string_view bytes_;
  std::vector<Chunk> chunks_;
  profile::Profile dictionary_;
};

}  // namespace watchfire::store
