#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace watchfire::converters {

/// What a perf.data file held and what of it is not in the profile. Filled also when decoding fails.
struct PerfDataStats {
  std::map<std::string, uint64_t> records;  ///< all, by name; "UNKNOWN" for types from after this was written
  std::map<std::string, uint64_t> skipped;  ///< those of them that add nothing to a profile
  uint64_t samples = 0;                     ///< that became part of it
  uint64_t unknown_event = 0;               ///< samples left out: of no event that the file describes
  uint64_t broken_samples = 0;              ///< samples left out: shorter than their event says
  uint64_t other_processes = 0;             ///< samples left out: not of the process asked for
  uint64_t lost = 0;                        ///< samples that the kernel says it could not write
  uint64_t stack_dumps = 0;                 ///< samples with a copy of the user stack, which is not unwound
  uint64_t group_counts = 0;                ///< samples with counts of the other events of their group, not used
  uint64_t unmapped_frames = 0;             ///< frames left out: in no known mapping
  bool is_pipe = false;
  bool is_unfinished = false;  ///< the recording was not closed: its header says nothing of its size
  bool is_cut = false;         ///< the file ends, or breaks off with a broken record, before its end
};

}  // namespace watchfire::converters
