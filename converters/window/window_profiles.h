#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/window.h"
#include "profile/labelled_profile.h"

namespace watchfire::converters {

/// What one window of the collector becomes.
struct WindowProfiles {
  /// One process_cpu profile a service, with types samples/count and cpu/nanoseconds. Series labels: service_name,
  /// host, source="ebpf", and unit or container where known. Sample labels: pid, process_start (Unix seconds), tid,
  /// thread, and `truncated` with the reason where the user stack was cut.
  std::vector<profile::LabelledProfile> profiles;
  /// Addresses without names, by file id: what to ask the parser for.
  std::map<std::string, std::vector<uint64_t>> unnamed;
};

/// The service a process belongs to: its systemd unit without ".service", else its container, else its program.
std::string service_name_of(const WindowProcess& process);

/// Pure; the window must have been decoded by decode_window (its indices are trusted).
WindowProfiles window_profiles(const RawWindow& window, const std::string& host);

}  // namespace watchfire::converters
