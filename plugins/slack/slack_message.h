#pragma once

#include <string>

#include "findings/finding.h"

namespace watchfire::plugins {

/// Slack's documented limits that a message must keep (Block Kit reference; the size of a whole message is not
/// documented, it is refused somewhere above 13,000 characters).
struct SlackLimits {
  static constexpr size_t kBlocks = 50;
  static constexpr size_t kSectionText = 3000;
  static constexpr size_t kHeaderText = 150;
  static constexpr size_t kContextElements = 10;
  static constexpr size_t kMessageChars = 12'000;
  static constexpr size_t kFallbackText = 4000;
};

/// The digest as the JSON body of an incoming webhook: at most `max_findings` findings, conclusions first. Names from
/// profiles are escaped and stand in code spans, so no markup or mention in them takes effect. Lengths are counted
/// in bytes, which is never less than Slack counts.
std::string slack_message(const findings::Digest& digest, size_t max_findings);

}  // namespace watchfire::plugins
