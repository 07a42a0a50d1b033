#pragma once

#include <string>
#include <vector>

#include "profile/report.h"

namespace watchfire::profile {

/// Whether calls to a function were inlined into its callers.
enum class Inlining { kNone, kPartial, kAll };

/// One row of top as values. Flat and cum are in the report's sample unit, means taken.
struct TopRow {
  std::string name;  ///< as printed: with address, file or line when the granularity has them
  std::string function;
  std::string file;
  std::string object;  ///< the binary, for frames without symbols
  int64_t line = 0;
  int64_t flat = 0;
  int64_t cum = 0;
  Inlining inlining = Inlining::kNone;
};

/// top as values.
struct TopRows {
  std::vector<TopRow> rows;
  int64_t total = 0;     ///< what percentages refer to
  int64_t shown = 0;     ///< flat of the rows
  size_t all_nodes = 0;  ///< nodes before the limit on their number
  size_t dropped_nodes = 0;
  std::string sample_type;
  std::string unit;
};

/// A caller or callee of a peeked function.
struct Neighbour {
  std::string name;
  int64_t weight = 0;
  bool is_inline = false;
};

/// One function between its callers and callees, heaviest first.
struct PeekRow {
  TopRow row;
  std::vector<Neighbour> callers;
  std::vector<Neighbour> callees;
};

/// A call tree: nodes[0] is the root that stands for all samples, parents before children. `children` are indices,
/// heaviest first. Children lighter than the limit are summed in `others` of their parent.
struct CallTree {
  struct Node {
    std::string name;
    std::string file;
    int64_t self = 0;
    int64_t total = 0;
    int64_t others = 0;  ///< total of the children left out
    uint32_t parent = 0;
    std::vector<uint32_t> children;
  };
  std::vector<Node> nodes;
  int64_t total = 0;
  std::string sample_type;
  std::string unit;
};

/// Where a call tree is cut.
struct CallTreeLimits {
  double min_fraction = 0.001;  ///< of the total; lighter subtrees are left out
  size_t max_nodes = 8192;
  size_t max_depth = 512;
};

/// The rows of a sorted graph, in its order.
std::vector<TopRow> rows_of(const Graph& g);

/// As the reports of these names, options as there. The profile is copied when an lvalue is given.
Result<TopRows> top_rows(Profile p, const ReportOptions& options);
Result<std::vector<PeekRow>> peek_rows(Profile p, const ReportOptions& options, std::string_view regex);
Result<CallTree> call_tree(Profile p, const ReportOptions& options, const CallTreeLimits& limits = {});

}  // namespace watchfire::profile
