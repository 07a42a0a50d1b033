#pragma once

#include <map>
#include <string>
#include <vector>

#include "profile/estimate.h"

namespace watchfire::profile {

/// A part of what a profile cost: every sample belongs to one part.
struct Part {
  std::string component;  ///< "garbage collection", "package btree"
  std::string function;   ///< the own function that it was done for; "" for nobody
  friend auto operator<=>(const Part&, const Part&) = default;
};

/// One candidate's cost of one phase in one resource, in parts. Several runs are one candidate.
struct Candidate {
  std::string name;
  std::vector<std::map<Part, Estimate>> runs;
  std::vector<double> run_seconds;  ///< how long each run was profiled; 0 unknown
};

/// A candidate's place.
struct Place {
  size_t candidate = 0;  ///< index of the matrix's columns
  size_t rank = 0;       ///< from 1; those that tie have the same
  bool tied = false;     ///< with another one
  bool few_samples = false;
  double ratio = 1;        ///< of the smallest
  double ratio_error = 0;  ///< one standard error; 0 for the smallest itself
};

/// A line of the matrix: one part's cost in each candidate.
struct MatrixRow {
  Part part;
  std::vector<Estimate> cells;  ///< of the runs' mean; one a candidate
  double largest() const;
};

/// Candidates beside each other: the mean of their runs, in whole and in parts.
struct Matrix {
  std::vector<std::string> names;
  std::vector<Estimate> totals;
  std::vector<size_t> runs;
  std::vector<double> seconds;        ///< mean of the runs' durations; 0 unknown
  std::vector<MatrixRow> components;  ///< by component alone, the costliest first
  std::vector<MatrixRow> functions;   ///< by own function alone, the costliest first
  std::vector<MatrixRow> parts;       ///< by both, the costliest first
  std::vector<Place> ranking;         ///< the cheapest first

  /// The error of a share: of n samples, the part p of which is it.
  static double share_error(double share, double samples);
};

/// Puts candidates into one matrix and ranks them by their totals, the smaller the better. The error of a mean of runs
/// is the larger one of what the samples give and what the spread of the runs gives. Places whose totals are no further
/// apart than `distinguishable` says from the first of them share a rank. `min_samples`: fewer are marked.
Matrix compare(const std::vector<Candidate>& candidates, double min_samples);

}  // namespace watchfire::profile
