#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "profile/labelled_profile.h"
#include "profile/query.h"

namespace watchfire::store {

/// One profile to keep. It makes one series a sample type; without a `service_name` it goes to "unknown".
using Entry = profile::LabelledProfile;

/// One source position of an address, as a symbolizer found it.
struct SymbolFrame {
  std::string name;
  std::string system_name;
  std::string file;
  int64_t line = 0;
};

/// Addresses [start, end) of one file and the function there, the innermost inlined one first. No frames: the
/// file was asked and has no name for them.
struct SymbolRange {
  uint64_t start = 0;
  uint64_t end = 0;
  std::vector<SymbolFrame> frames;
};

/// What the store holds, for status and metrics.
struct StoreInfo {
  uint64_t bytes = 0;  ///< on disk, all files
  uint64_t limit_bytes = 0;
  uint64_t blocks = 0;
  uint64_t profiles = 0;
  uint64_t head_profiles = 0;  ///< not yet in a block
  uint64_t series = 0;
  TimeRange range;
};

/// Where profiles are kept. Thread-safe. `append` returns when the entries survive a crash: until then nothing is
/// acknowledged, and on an error none of them is kept.
class Store : public profile::Query {
 public:
  virtual Status append(std::vector<Entry> entries) = 0;

  /// Those of `addresses` (of the file with this id) that no add_symbols has covered yet.
  virtual Result<std::vector<uint64_t>> unknown_addresses(std::string_view file_id,
                                                          const std::vector<uint64_t>& addresses) = 0;
  /// Names for addresses of a file, from now on seen in every query, also of old profiles. Ranges that overlap
  /// known ones replace them.
  virtual Status add_symbols(std::string_view file_id, const std::vector<SymbolRange>& ranges) = 0;

  virtual StoreInfo info() = 0;
};

}  // namespace watchfire::store
