#pragma once

#include <string>

#include "agent/compare/comparison.h"

namespace watchfire::agent {

struct RenderOptions {
  size_t rows = 12;         ///< of each part of a matrix, at most
  size_t width = 110;       ///< columns to which sentences are wrapped
  size_t matrix_width = 0;  ///< columns to which a matrix is split, at least one a part; 0: never
};

/// For people at a terminal; everything from outside is escaped for one, line by line.
std::string comparison_text(const Comparison& comparison, const RenderOptions& options);
/// One page without scripts that asks nobody for anything; light or dark as the reader likes it.
std::string comparison_html(const Comparison& comparison, const RenderOptions& options);
/// All there is, values in the profiles' own units; described in docs/compare.md.
std::string comparison_json(const Comparison& comparison, const RenderOptions& options);

}  // namespace watchfire::agent
