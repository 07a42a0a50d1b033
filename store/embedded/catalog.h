#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/database.h"
#include "store/store.h"

namespace watchfire::store {

/// Where one stored profile's samples lie: an item of a block file, or of the head row of its own.
struct ProfileRow {
  int64_t id = 0;
  int64_t block = 0;  ///< 0: in the head
  uint32_t item = 0;
  UnixNs start = 0;
  UnixNs end = 0;
};

/// One (profile, value column) that belongs to a series.
struct SeriesProfile {
  ProfileRow profile;
  int64_t series = 0;
  uint32_t column = 0;
};

struct BlockRow {
  int64_t id = 0;
  uint64_t bytes = 0;
  UnixNs end = 0;
};

/// The transactional part of the embedded store: series, which profile lies where, the head's profiles, and symbols.
/// A change is one SQLite transaction, so a crash leaves the state before or after it. Thread-safe: one lock
/// around one connection, held for a catalog look-up, never while blocks are read.
class Catalog {
 public:
  static Result<std::unique_ptr<Catalog>> open(const std::string& path, Database::Options options);

  /// A profile about to be added: its series (one a value column) and the head row that holds it.
  struct NewProfile {
    std::vector<std::pair<Labels, profile::ProfileType>> columns;
    UnixNs start = 0;
    UnixNs end = 0;
    uint64_t samples = 0;
    std::string head_data;
  };
  /// Adds all in one transaction; durable when it returns.
  Status add_to_head(const std::vector<NewProfile>& profiles, size_t max_series);

  std::vector<profile::SeriesInfo> all_series(std::vector<int64_t>& ids);
  /// Profiles of these series whose end lies in (range.start, range.end], ordered by block.
  Result<std::vector<SeriesProfile>> profiles(const std::vector<int64_t>& series, TimeRange range);
  /// Number of profiles and their time range for one series; none gives count 0.
  Result<std::pair<uint64_t, TimeRange>> extent(int64_t series, TimeRange range);

  Result<std::string> head_data(int64_t profile);
  /// The oldest head profiles with their data: at most so many, and no more once they have so many bytes.
  Result<std::vector<std::pair<int64_t, std::string>>> oldest_head(size_t most, uint64_t max_bytes);
  uint64_t head_count() const { return head_count_; }
  uint64_t head_bytes() const { return head_bytes_; }

  Result<int64_t> next_block_id();
  /// Moves head profiles into a block whose file is already durable: profile i becomes item i.
  Status commit_block(const BlockRow& block, const std::vector<int64_t>& profiles);

  Result<std::vector<BlockRow>> blocks();
  Status remove_block(int64_t block);
  Status remove_head(const std::vector<int64_t>& profiles);
  /// Drops series without profiles and gives free pages back to the file system.
  Status tidy();

  Result<std::vector<uint64_t>> unknown_addresses(std::string_view file_id, const std::vector<uint64_t>& addresses);
  Status add_symbols(std::string_view file_id, const std::vector<SymbolRange>& ranges);
  /// The range that holds the address; kNotFound when none does.
  Result<SymbolRange> symbol(std::string_view file_id, uint64_t address);

  uint64_t profile_count();

 private:
  explicit Catalog(Database db) : db_(std::move(db)) {}
  Status create_tables();
  Status load_series();
  Status measure_head();
  Result<int64_t> series_id(const Labels& labels, const profile::ProfileType& type, size_t max_series);
  template <typename F>
  Status transaction(F body);

  std::mutex mutex_;
  // Guarded by mutex_:
  Database db_;
  struct Series {
    Labels labels;
    profile::ProfileType type;
  };
  std::map<int64_t, Series> series_;
  std::map<std::string, int64_t> series_ids_;
  std::atomic<uint64_t> head_count_{0};
  std::atomic<uint64_t> head_bytes_{0};
};

}  // namespace watchfire::store
