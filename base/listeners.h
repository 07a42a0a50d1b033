#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace watchfire {

/// A process that listens on a TCP port: a candidate for scraping. All texts are bytes from outside.
struct Listener {
  uint32_t pid = 0;
  uint32_t exec_id = 0;
  int64_t start_boot_ns = 0;  ///< rounded down to clock ticks (10 ms): /proc knows no better
  std::string address;        ///< numeric, "127.0.0.1", "::", in its own network namespace
  uint32_t port = 0;
  uint32_t has_pprof_handlers = 0;  ///< 1: its program contains handlers for /debug/pprof or /pprof
  uint64_t net_namespace = 0;       ///< inode number
  uint32_t own_namespace = 0;       ///< 1: the namespace the collector is in, so the daemon can reach it by address
  std::string comm;
  std::string exe;  ///< base name
  std::string unit;
  std::string container_id;
};

/// All listeners of the host at one time; replaces what was sent before. Message collector -> daemon.
struct ListenersMessage {
  std::vector<Listener> listeners;
  uint32_t truncated = 0;  ///< 1: a limit was met, there are more
};

std::vector<std::byte> encode_listeners(const ListenersMessage& message);
/// Decodes bytes from outside, within limits, or kCorrupt.
Result<ListenersMessage> decode_listeners(std::span<const std::byte> bytes);

}  // namespace watchfire
