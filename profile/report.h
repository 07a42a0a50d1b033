#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "profile/aggregate.h"
#include "profile/filter.h"
#include "profile/graph_builder.h"
#include "profile/regex.h"

namespace watchfire::profile {

/// The reports of `go tool pprof`, by the names of its commands.
enum class ReportKind {
  kTop,
  kTree,
  kPeek,
  kList,
  kTraces,
  kTags,
  kRaw,
  kComments,
  kDot,
  kCallgrind,
  kProto,
  kTopProto,
};

/// What pprof's flags of these names set, with their defaults.
struct ReportOptions {
  Filters filters;
  std::string tagroot;  ///< label keys with "," between
  std::string tagleaf;
  Granularity granularity = Granularity::kFunctions;
  bool no_inlines = false;
  bool show_columns = false;
  std::string sample_index;
  bool mean = false;
  double divide_by = 1;
  std::string unit = "minimum";
  bool cum_sort = false;
  bool call_tree = false;
  bool drop_negative = false;
  bool compact_labels = false;
  bool relative_percentages = false;
  int node_count = -1;  ///< -1: what suits the report
  double node_fraction = 0.005;
  double edge_fraction = 0.001;
  bool trim = true;
  std::string source_path;
  std::string trim_path;
};

/// A graph with what trimming it left out.
struct TrimmedGraph {
  Graph graph;
  size_t original_count = 0;  ///< nodes before the limit on their number
  size_t dropped_nodes = 0;   ///< for being too light
  size_t dropped_edges = 0;
};

/// A profile made ready for one report: filtered, at the report's granularity, with the total that percentages
/// refer to. Owns its copy of the profile. Not movable: graphs refer to it.
class Report {
 public:
  /// `symbol` is the regular expression of peek and list. `notes` gets warnings a person should see: filters that
  /// matched nothing, ambiguous units.
  static Result<std::unique_ptr<Report>> prepare(Profile p, ReportKind kind, ReportOptions options,
                                                 std::string_view symbol, std::vector<std::string>& notes);
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  const Profile& profile() const { return profile_; }
  Profile& mutable_profile() { return profile_; }
  ReportKind kind() const { return kind_; }
  const ReportOptions& options() const { return options_; }
  const Regex* symbol() const { return symbol_ ? &*symbol_ : nullptr; }
  const LabelUnits& label_units() const { return label_units_; }
  size_t column() const { return column_; }
  int64_t total() const { return total_; }
  std::string_view sample_type() const { return profile_.text(profile_.sample_types[column_].type); }
  std::string_view sample_unit() const { return profile_.text(profile_.sample_types[column_].unit); }
  /// "delay", or with means "mean_delay".
  std::string sample_type_label() const;
  /// The unit numbers are printed in; chosen from the graph when it is "minimum".
  const std::string& output_unit() const { return output_unit_; }
  const std::string& title() const { return title_; }

  /// One number as the report prints it: divided, scaled, with its unit.
  std::string format(int64_t value) const;
  /// As format, but "." for 0.
  std::string format_or_dot(int64_t value) const { return value == 0 ? "." : format(value); }
  /// The value of sample i, mean taken; and its divisor, 0 without -mean.
  int64_t value(size_t i) const { return profile_.values[column_][i]; }
  int64_t divisor(size_t i) const { return options_.mean ? profile_.values[0][i] : 0; }
  /// Value scaled by 1/divide_by, truncated.
  int64_t divided(int64_t value) const;

  /// The graph of all samples.
  Graph full_graph();
  /// The graph cut to what the options allow, sorted; also chooses output_unit.
  TrimmedGraph trimmed_graph();

  /// Lines about the profile: file, build id, comments, type, time, duration.
  std::vector<std::string> profile_lines() const;
  /// Those, the active filters, and what the graph shows of the whole.
  std::vector<std::string> header_lines(const TrimmedGraph& g) const;

 private:
  Report(Profile p, ReportKind kind, ReportOptions options);
  Status run(std::string_view symbol, std::vector<std::string>& notes);
  void add_tag_frames_of_options(std::vector<std::string>& notes);
  void compute_total();
  GraphBuilder& builder();
  bool trim_by_weight(TrimmedGraph& t, int64_t cutoff, bool tree);
  void choose_output_unit(const Graph& g);

  Profile profile_;
  ReportKind kind_;
  ReportOptions options_;
  std::optional<Regex> symbol_;
  LabelUnits label_units_;
  std::vector<std::string> active_filters_;
  size_t column_ = 0;
  int64_t total_ = 0;
  double ratio_ = 1;
  std::string output_unit_;
  std::string title_;
  std::unique_ptr<GraphBuilder> builder_;
};

}  // namespace watchfire::profile
