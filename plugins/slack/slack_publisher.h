#pragma once

#include <memory>

#include "plugins/api/publisher.h"

namespace watchfire::plugins {

/// Posts digests to a Slack incoming webhook; what brings nothing new is not posted, a failed run is.
///
///   - type: slack
///     webhook_file: /etc/watchfire/slack-webhook   # the file holds the URL
///     name: ops
///     max_findings: 5
///     timeout: 10s
///
/// Deliveries wait in a spool below `spool_directory` and are retried: after Retry-After on 429, with backoff up to
/// 10 minutes on outages. An answer that says the message or the hook is wrong ends it, counted as lost.
Result<std::unique_ptr<Publisher>> make_slack_publisher(const ConfigValue& value, const std::string& spool_directory);

}  // namespace watchfire::plugins
