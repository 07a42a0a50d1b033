#pragma once

#include <string>

#include "profile/profile.h"

namespace watchfire::converters {

struct FlamePageOptions {
  std::string title;  ///< untrusted; escaped
  std::string subtitle;
  size_t column = 0;                       ///< the sample type shown first; the page switches between all
  bool inverted = false;                   ///< shown first as an icicle: root on top
  bool reversed = false;                   ///< stacks from the leaf on: who calls what
  const profile::Profile* base = nullptr;  ///< to compare with; has the same sample types and units
  bool negate = false;                     ///< blue for more and red for less
  double min_share = 1e-5;                 ///< frames below this share of every type are left out, and the page says so
  size_t max_frames = 100'000;
};

/// An interactive flame graph as one HTML file: search, zoom, flame or icicle, callers and callees of a function. It
/// asks nothing of any network: its Content-Security-Policy allows its own script and style, by hash, and nothing else.
/// The profile lies in it as JSON, in which no byte can end the element; names reach the page as text alone.
std::string flame_graph_page(const profile::Profile& p, const FlamePageOptions& options);

/// The policy that the page itself states, for who serves it.
std::string flame_page_policy();

}  // namespace watchfire::converters
