#include "profile/function_totals.h"

#include "profile/pair_index.h"
#include "profile/sample_edit.h"

namespace watchfire::profile {
namespace {

/// For each location, the entries of its lines, innermost first.
struct LocationEntries {
  std::vector<uint32_t> first;  ///< by location, with one more at the end
  std::vector<uint32_t> entries;
};

class EntryTable {
 public:
  EntryTable(const Profile& p, std::vector<FunctionTotal>& out)
      : p_(p), out_(out), of_function_(p.functions.size(), kNone) {}

  LocationEntries build() {
    LocationEntries result;
    result.first.reserve(p_.locations.size() + 1);
    for (const Location& l : p_.locations) {
      result.first.push_back(static_cast<uint32_t>(result.entries.size()));
      for (const Line& line : p_.lines_of(l)) result.entries.push_back(of_function(line.function));
      if (l.line_count == 0) result.entries.push_back(of_object(l.mapping));
    }
    result.first.push_back(static_cast<uint32_t>(result.entries.size()));
    return result;
  }

 private:
  uint32_t of_function(uint32_t function) {
    uint32_t& entry = of_function_[function];
    if (entry == kNone) {
      const Function& f = p_.functions[function];
      entry = entry_of(functions_.intern(f.name, f.file), function_entries_);
      out_[entry].name = f.name;
      out_[entry].file = f.file;
    }
    return entry;
  }

  uint32_t of_object(uint32_t mapping) {
    StringId file = mapping == kNone ? 0 : p_.mappings[mapping].file;
    uint32_t entry = entry_of(objects_.intern(file, 0), object_entries_);
    out_[entry].object = file;
    return entry;
  }

  uint32_t entry_of(uint32_t number, std::vector<uint32_t>& entries) {
    if (number == entries.size()) {
      entries.push_back(static_cast<uint32_t>(out_.size()));
      out_.emplace_back();
    }
    return entries[number];
  }

  const Profile& p_;
  std::vector<FunctionTotal>& out_;
  PairIndex functions_;
  PairIndex objects_;
  std::vector<uint32_t> function_entries_;
  std::vector<uint32_t> object_entries_;
  std::vector<uint32_t> of_function_;
};

}  // namespace

std::vector<int64_t> stack_sums(const Profile& p, size_t column) {
  std::vector<int64_t> sums(p.stacks.size());
  const int64_t* values = p.values[column].data();
  for (size_t i = 0; i < p.sample_count(); ++i) {
    int64_t& sum = sums[p.sample_stacks[i]];
    sum = wrapping_add(sum, values[i]);
  }
  return sums;
}

FunctionTotals function_totals(const Profile& p, size_t column) {
  FunctionTotals result;
  if (p.values.empty()) return result;
  LocationEntries table = EntryTable(p, result.functions).build();
  std::vector<int64_t> sums = stack_sums(p, column);
  struct Cum {
    int64_t sum = 0;
    uint32_t last_stack = kNone;
  };
  std::vector<Cum> cums(result.functions.size());  // small and dense: this loop is most of the cost
  for (uint32_t s = 0; s < p.stacks.size(); ++s) {
    int64_t sum = sums[s];
    auto stack = p.stacks[s];
    if (sum == 0) continue;
    result.total = wrapping_add(result.total, sum);
    if (stack.empty()) continue;
    int64_t& flat = result.functions[table.entries[table.first[stack[0]]]].flat;
    flat = wrapping_add(flat, sum);
    for (uint32_t location : stack) {
      for (uint32_t i = table.first[location]; i < table.first[location + 1]; ++i) {
        Cum& cum = cums[table.entries[i]];
        cum.sum = wrapping_add(cum.sum, cum.last_stack == s ? 0 : sum);
        cum.last_stack = s;
      }
    }
  }
  for (size_t i = 0; i < cums.size(); ++i) result.functions[i].cum = cums[i].sum;
  return result;
}

}  // namespace watchfire::profile
