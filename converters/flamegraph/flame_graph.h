#pragma once

#include <string>

#include "profile/profile.h"

namespace watchfire::converters {

/// How a flame graph looks; the defaults are flamegraph.pl's.
struct FlameGraphOptions {
  std::string title;  ///< untrusted; escaped
  std::string subtitle;
  int width = 1200;        ///< px
  double min_width = 0.1;  ///< px; narrower frames are left out
  bool inverted = false;   ///< icicle: root on top
  bool reversed = false;   ///< stacks from the leaf on: who calls what
  size_t column = 0;       ///< which sample type
  /// Draws the difference to this one, which has the same sample types and units: widths are the profile's, red is
  /// where a frame alone costs more than in the base, blue where it costs less.
  const profile::Profile* base = nullptr;
  bool negate = false;  ///< blue and red the other way round
};

/// A self-contained SVG with flamegraph.pl's conventions (frame ids, titles, zoom by click, search), no request to
/// anywhere, every name escaped. An empty profile gives a picture that says so.
std::string flame_graph_svg(const profile::Profile& p, const FlameGraphOptions& options);

}  // namespace watchfire::converters
