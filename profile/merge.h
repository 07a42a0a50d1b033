#pragma once

#include <span>
#include <vector>

#include "base/element_index.h"
#include "profile/pair_index.h"
#include "profile/profile.h"

namespace watchfire::profile {

/// Which labels a merged profile keeps.
enum class MergeLabels {
  kKeep,  ///< samples with different labels stay apart, as pprof merges
  kDrop,  ///< samples are summed by stack alone: the fast way to one graph of many windows
};

/// Merges profiles of equal sample types, one after the other; holds only distinct elements, never the sources.
///
/// Rules are pprof's: samples that are all zero are skipped, those whose sums become zero are dropped with what
/// only they used, ids count from 1 in order of first use, the first source's main binary stays first, addresses
/// are normalised by where their mapping starts. Time is the smallest, duration the sum, period the largest.
/// Not thread-safe.
class Merger {
 public:
  explicit Merger(MergeLabels labels = MergeLabels::kKeep) : labels_(labels) {}

  /// Adds the samples of `source`. Fails, and changes nothing, when its types differ from the first source's.
  Status add(const Profile& source) { return add(source, source); }
  /// Adds samples, types and header of `rows`, whose ids are those of `tables`: a block's dictionary serves many.
  Status add(const Profile& tables, const Profile& rows);
  size_t source_count() const { return sources_; }
  size_t memory_bytes() const;
  /// The merged profile; the merger is empty afterwards. Without any source: an empty profile.
  Profile finish();

 private:
  /// What the ids of the source being added have become.
  struct SourceMaps;

  Status check_compatible(const Profile& tables, const Profile& rows) const;
  void reserve(const Profile& p);
  void add_header(const Profile& source, SourceMaps& maps);
  void add_samples(const Profile& source, SourceMaps& maps);
  void add_stack_sums(const Profile& source, SourceMaps& maps);
  void add_row(uint32_t stack, uint32_t label_set, std::span<const int64_t> row);
  void find_known(SourceMaps& maps);
  StringId map_string(StringId id, SourceMaps& maps);
  uint32_t map_mapping(uint32_t index, SourceMaps& maps);
  uint32_t map_function(uint32_t index, SourceMaps& maps);
  uint32_t map_location(uint32_t index, SourceMaps& maps);
  uint32_t map_stack(uint32_t id, SourceMaps& maps);
  uint32_t map_label_set(uint32_t id, SourceMaps& maps);

  bool translate(uint32_t index, const SourceMaps& maps, Location& l);
  uint64_t location_hash(const Location& l) const;
  bool is_known_as(uint32_t number, const Location& l) const;

  MergeLabels labels_;
  size_t sources_ = 0;
  Profile out_;
  SpanTable<uint64_t> mapping_keys_;  ///< key id - 1 is the index in out_.mappings
  ElementIndex functions_;            ///< of out_.functions
  ElementIndex locations_;            ///< of out_.locations
  PairIndex rows_;                    ///< (stack, label set) of each row of out_
  std::vector<uint32_t> scratch_stack_;
  std::vector<Line> scratch_lines_;
};

/// All of them at once.
Result<Profile> merge(std::span<const Profile* const> sources);

}  // namespace watchfire::profile
