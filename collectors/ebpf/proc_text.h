#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace watchfire::collectors::ebpf {

/// Parsers of /proc text: text in, values out. Names in these texts are chosen by whoever runs a program: nothing
/// is trusted to be what it looks like, and a line that does not parse is skipped.

/// One executable line of /proc/PID/maps.
struct MapsLine {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t offset = 0;
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint64_t inode = 0;
  bool executable = false;
  std::string_view path;  ///< the rest of the line as it is: "\012" for a line break, maybe " (deleted)"
};
std::optional<MapsLine> parse_maps_line(std::string_view line);

/// The path of a mapping with the kernel's octal escapes taken back.
std::string unescape_path(std::string_view path);

/// Field 22 of /proc/PID/stat, start time in clock ticks since boot. The name in field 2 may hold anything.
std::optional<uint64_t> parse_stat_start(std::string_view stat);

/// What the cgroup says about who a process belongs to.
struct CgroupLabels {
  std::string path;          ///< of the unified hierarchy, else the first controller with more than "/"
  std::string unit;          ///< "nginx.service", innermost
  std::string container_id;  ///< 64 hex digits
  std::string pod_uid;       ///< with dashes
};
CgroupLabels parse_cgroup(std::string_view text);

/// One line of /proc/net/tcp or tcp6.
struct TcpLine {
  std::string address;  ///< numeric
  uint16_t port = 0;
  uint64_t inode = 0;
  bool listening = false;
};
std::optional<TcpLine> parse_tcp_line(std::string_view line);

/// "socket:[123]" -> 123; "net:[4026531840]" likewise with its prefix.
std::optional<uint64_t> parse_inode_link(std::string_view link, std::string_view kind);

}  // namespace watchfire::collectors::ebpf
