#pragma once

#include "profile/query.h"
#include "store/embedded/block_cache.h"
#include "store/embedded/catalog.h"

namespace watchfire::store {

/// The queries of the embedded store: each looks profiles up in the catalog, then reads their blocks one at a time,
/// sums samples by stack within a block and merges the sums, so memory holds one block, the cache and the result. Names
/// that came later than the samples are put in last. Same contracts as profile::Query.
Result<std::vector<profile::SeriesInfo>> query_series(Catalog& catalog, const profile::Selector& selector,
                                                      TimeRange range);
Result<profile::MergeResult> query_merge(Catalog& catalog, BlockCache& blocks, const profile::Selector& selector,
                                         TimeRange range, const profile::MergeOptions& options);
Result<std::vector<profile::TimelinePoint>> query_timeline(Catalog& catalog, BlockCache& blocks,
                                                           const profile::Selector& selector, TimeRange range,
                                                           DurationNs step);

}  // namespace watchfire::store
