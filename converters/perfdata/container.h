#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "converters/perfdata/records.h"
#include "converters/perfdata/stats.h"
#include "converters/pprof/limits.h"

namespace watchfire::converters::perf {

/// What was recorded, from perf_event_attr.
struct Event {
  uint64_t config = 0;
  uint64_t period = 0;  ///< 0 when it is a frequency
  uint64_t sample_type = 0;
  uint64_t read_format = 0;
  uint64_t branch_sample_type = 0;
  uint64_t regs_user = 0;
  bool sample_id_all = false;
  std::vector<uint64_t> ids;
  std::string name;  ///< "" when the file does not say
};

/// A perf.data file taken apart: its events, its records in the order they were written with compressed ones inflated
/// in place, and what its header tells. Views the bytes it was read from and the inflated ones it owns; immovable
/// parts stay where they are when it is moved. Hostile input costs memory in proportion to its inflated size.
class Container {
 public:
  /// kCorrupt: no file header, or one that points outside. kUnsupported: of the other byte order, or perf's first
  /// format. kResourceExhausted: a limit.
  static Result<Container> read(std::string_view bytes, const DecodeLimits& limits, PerfDataStats& stats);

  std::vector<Event> events;
  std::vector<Record> records;
  std::map<std::string, std::string, std::less<>> build_ids;  ///< hex, by file name
  std::string perf_version;
  std::string command;
  std::string hostname;
  int64_t wall_minus_clock_ns = 0;  ///< 0: unknown

 private:
  Container(const DecodeLimits& limits, PerfDataStats& stats) : limits_(limits), stats_(&stats) {}
  Status read_file(std::string_view bytes);
  Status read_attrs(std::string_view section, uint64_t attr_size, std::string_view bytes);
  void read_features(std::string_view bytes, uint64_t table, const uint64_t (&bits)[4]);
  void read_feature(uint32_t feature, std::string_view bytes);
  void read_event_desc(ByteReader r);
  Status read_records(std::string_view bytes);
  Status read_record(const Record& r);
  Status add_attr(std::string_view payload);
  void update_event(std::string_view payload);
  void index_ids(size_t event);
  void add_build_id(const Record& r);
  Status check_event_count() const;

  DecodeLimits limits_;
  PerfDataStats* stats_;
  std::string compressed_;  ///< payloads of all compressed records, one stream
  std::map<uint64_t, std::string> old_names_;
  std::unordered_map<uint64_t, size_t> event_of_id_;
  std::unique_ptr<std::string> inflated_;
};

/// Inflates a stream that perf flushed but never ended; nothing more than what is there is not an error.
Result<std::string> inflate_perf_stream(std::string_view bytes, const DecodeLimits& limits, bool& is_cut);

/// A string that ends with its first NUL.
std::string_view until_nul(std::string_view bytes);

}  // namespace watchfire::converters::perf
