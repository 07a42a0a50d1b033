#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "profile/intern.h"

namespace watchfire::profile {

/// Index into Profile::strings; 0 is the empty string.
using StringId = uint32_t;

/// "No such element" for every index below.
inline constexpr uint32_t kNone = 0xffffffff;

/// What a value counts: ("cpu", "nanoseconds").
struct ValueType {
  StringId type = 0;
  StringId unit = 0;
  friend bool operator==(const ValueType&, const ValueType&) = default;
};

/// A file mapped into the profiled process. Addresses of its locations lie in [start, limit).
/// In profiles from eBPF start, offset are 0 and addresses are the ELF file's own virtual addresses.
struct Mapping {
  uint64_t id = 0;  ///< the id it has on the wire, kept so that one source is written back as it came; never 0
  uint64_t start = 0;
  uint64_t limit = 0;
  uint64_t file_offset = 0;
  StringId file = 0;
  StringId build_id = 0;
  StringId kernel_relocation_symbol = 0;
  bool has_functions = false;
  bool has_filenames = false;
  bool has_line_numbers = false;
  bool has_inline_frames = false;
};

/// A function as a symbolizer names it. `system_name` is the mangled form, `name` the one people read.
struct Function {
  uint64_t id = 0;
  StringId name = 0;
  StringId system_name = 0;
  StringId file = 0;
  int64_t start_line = 0;
};

/// One source position of a location.
struct Line {
  uint32_t function = kNone;  ///< index into Profile::functions
  int64_t line = 0;
  int64_t column = 0;
};

/// One address in code. Its lines are Profile::lines[first_line, first_line + line_count), the innermost
/// inlined function first, the function that really holds the address last. No lines: not symbolized.
struct Location {
  uint64_t id = 0;
  uint64_t address = 0;
  uint32_t mapping = kNone;
  uint32_t first_line = 0;
  uint32_t line_count = 0;
  bool is_folded = false;
};

/// A label of a sample: a string, or a number with a unit.
struct Label {
  int64_t num = 0;
  StringId key = 0;
  StringId str = 0;
  StringId unit = 0;
  uint32_t is_number = 0;  ///< 1 for a number; a whole word so that the struct has no padding
  friend bool operator==(const Label&, const Label&) = default;
};

/// One profile in columns: dictionaries, distinct stacks, and samples as (stack, label set, a value a sample
/// type). The model everything else reads: converters make it, the store keeps it, reports sum it.
///
/// Invariants (a converter guarantees them, `validate` checks them): every index lies within its table; stacks,
/// label sets and strings are distinct; all sample columns have equal length. Built once, then shared as
/// `std::shared_ptr<const Profile>` between threads. Memory is proportional to distinct elements plus samples.
struct Profile {
  StringTable strings;
  std::vector<ValueType> sample_types;
  std::vector<Mapping> mappings;  ///< the main binary first
  std::vector<Function> functions;
  std::vector<Line> lines;
  std::vector<Location> locations;
  SpanTable<uint32_t> stacks;   ///< location indices, leaf first; stack 0 is the empty one
  SpanTable<Label> label_sets;  ///< in wire order; label set 0 is the empty one

  std::vector<uint32_t> sample_stacks;
  std::vector<uint32_t> sample_label_sets;
  std::vector<std::vector<int64_t>> values;  ///< [sample type][sample]

  UnixNs time_ns = 0;  ///< start of the profile; 0: unknown
  DurationNs duration_ns = 0;
  ValueType period_type;
  int64_t period = 0;
  StringId default_sample_type = 0;  ///< a type's name, or 0 for the last
  StringId drop_frames = 0;
  StringId keep_frames = 0;
  StringId doc_url = 0;
  std::vector<StringId> comments;

  size_t sample_count() const { return sample_stacks.size(); }
  std::string_view text(StringId id) const { return strings.text(id); }
  std::span<const Line> lines_of(const Location& l) const { return {lines.data() + l.first_line, l.line_count}; }
  /// Adds one sample; `sample_values` holds one value a sample type. Stack leaf first.
  void add_sample(std::span<const uint32_t> stack, std::span<const Label> labels,
                  std::span<const int64_t> sample_values);
  /// Bytes this profile holds on the heap, about.
  size_t memory_bytes() const;
};

/// Shared, immutable profile as it crosses threads.
using ProfilePtr = std::shared_ptr<const Profile>;

/// Checks the invariants of Profile; the message names the first element that breaks one.
Status validate(const Profile& p);

/// Which value column a name or number asks for, as pprof's -sample_index: "" the default, a number, a type's
/// name, also without "inuse_".
Result<size_t> sample_index(const Profile& p, std::string_view wanted);

}  // namespace watchfire::profile
