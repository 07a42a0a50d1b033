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
  size_t column = 0;       ///< which sample type
};

/// A self-contained SVG with flamegraph.pl's conventions (frame ids, titles, zoom by click, search), no request to
/// anywhere, every name escaped. An empty profile gives a picture that says so.
std::string flame_graph_svg(const profile::Profile& p, const FlameGraphOptions& options);

}  // namespace watchfire::converters
