#pragma once

#include <memory>

#include "plugins/api/publisher.h"

namespace watchfire::plugins {

/// Writes each digest into a directory: DATE/digest.md, DATE/digest.json and an SVG a service, then points
/// `latest.md` and `latest.json` at it. Files are whole or not there. Keeps the newest `keep` digests.
///
///   - type: file
///     directory: /var/lib/watchfire/reports
///     keep: 200
Result<std::unique_ptr<Publisher>> make_file_publisher(const ConfigValue& value, const std::string& default_directory);

}  // namespace watchfire::plugins
