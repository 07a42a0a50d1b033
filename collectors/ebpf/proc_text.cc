#include "collectors/ebpf/proc_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/text_fields.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr size_t kContainerIdLength = 64;
constexpr size_t kMaxLabel = 255;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// "docker-<64 hex>.scope", "cri-containerd-<64 hex>.scope", "<64 hex>": the 64 hex digits.
std::string_view container_id_of(std::string_view part) {
  for (size_t i = 0; i + kContainerIdLength <= part.size(); ++i) {
    auto id = part.substr(i, kContainerIdLength);
    bool starts = i == 0 || !is_hex(part.substr(i - 1, 1));
    bool ends = i + kContainerIdLength == part.size() || !is_hex(part.substr(i + kContainerIdLength, 1));
    if (starts && ends && is_hex(id)) return id;
  }
  return {};
}

/// "kubepods-burstable-pod<uid with _>.slice" or "pod<uid with ->": the uid with dashes.
std::string pod_uid_of(std::string_view part) {
  constexpr size_t kUuidLength = 36;
  size_t at = part.rfind("pod");
  if (at == std::string_view::npos || part.size() < at + 3 + kUuidLength) return {};
  std::string uid(part.substr(at + 3, kUuidLength));
  std::ranges::replace(uid, '_', '-');
  for (size_t i = 0; i < uid.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (uid[i] == '-') || (!dash && !is_hex(std::string_view(uid).substr(i, 1)))) return {};
  }
  return uid;
}

std::string hex_address(std::string_view hex) {
  uint8_t raw[16] = {};
  size_t words = hex.size() / 8;
  if ((words != 1 && words != 4) || hex.size() % 8 != 0) return {};
  for (size_t w = 0; w < words; ++w) {
    auto value = parse_number(hex.substr(w * 8, 8), 16);
    if (!value) return {};
    auto word = static_cast<uint32_t>(*value);  // the kernel prints each word as the machine holds it
    std::memcpy(raw + w * 4, &word, 4);
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(words == 1 ? AF_INET : AF_INET6, raw, text, sizeof text);
  return text;
}

}  // namespace

std::optional<MapsLine> parse_maps_line(std::string_view line) {
  auto range = next_word(line), rights = next_word(line), offset = next_word(line), device = next_word(line),
       inode = next_word(line);
  size_t dash = range.find('-'), colon = device.find(':');
  if (dash == std::string_view::npos || colon == std::string_view::npos || rights.size() < 4) return std::nullopt;
  auto start = parse_number(range.substr(0, dash), 16), end = parse_number(range.substr(dash + 1), 16),
       at = parse_number(offset, 16), major = parse_number(device.substr(0, colon), 16),
       minor = parse_number(device.substr(colon + 1), 16), number = parse_number(inode);
  if (!start || !end || !at || !major || !minor || !number || *end <= *start) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return MapsLine{.start = *start,
                  .end = *end,
                  .offset = *at,
                  .device_major = static_cast<uint32_t>(*major),
                  .device_minor = static_cast<uint32_t>(*minor),
                  .inode = *number,
                  .executable = rights[2] == 'x',
                  .path = line};
}

std::string unescape_path(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 3 < path.size())
      if (auto code = parse_number(path.substr(i + 1, 3), 8); code && *code < 256) {
        out += static_cast<char>(*code);
        i += 3;
        continue;
      }
    out += path[i];
  }
  return out;
}

std::optional<uint64_t> parse_stat_start(std::string_view stat) {
  size_t close = stat.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(close + 1);
  for (int field = 3; field < 22; ++field) next_word(stat);
  return parse_number(next_word(stat));
}

CgroupLabels parse_cgroup(std::string_view text) {
  CgroupLabels labels;
  std::string_view line, fallback;
  while (next_line(text, line)) {
    size_t first = line.find(':'), second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    auto path = line.substr(second + 1);
    if (first + 1 == second && path.size() > 1) labels.path = path;
    if (path.size() > fallback.size() || fallback.empty()) fallback = path;
  }
  if (labels.path.empty()) labels.path = fallback;
  std::string_view rest = labels.path;
  while (!rest.empty()) {
    size_t slash = std::min(rest.find('/'), rest.size());
    auto part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.ends_with(".service") && part.size() <= kMaxLabel) labels.unit = part;
    if (auto id = container_id_of(part); !id.empty()) labels.container_id = id;
    if (auto pod = pod_uid_of(part); !pod.empty()) labels.pod_uid = pod;
  }
  return labels;
}

std::optional<TcpLine> parse_tcp_line(std::string_view line) {
  next_word(line);  // "0:"
  auto local = next_word(line);
  next_word(line);  // remote
  auto state = next_word(line);
  for (int i = 0; i < 5; ++i) next_word(line);  // queues, timer, retransmits, uid, timeout
  auto inode = parse_number(next_word(line));
  size_t colon = local.find(':');
  if (colon == std::string_view::npos || !inode) return std::nullopt;
  auto port = parse_number(local.substr(colon + 1), 16);
  auto address = hex_address(local.substr(0, colon));
  if (!port || *port > 65535 || address.empty()) return std::nullopt;
  return TcpLine{std::move(address), static_cast<uint16_t>(*port), *inode, state == "0A"};
}

std::optional<uint64_t> parse_inode_link(std::string_view link, std::string_view kind) {
  if (!link.starts_with(kind) || !link.substr(kind.size()).starts_with(":[") || !link.ends_with(']'))
    return std::nullopt;
  link.remove_prefix(kind.size() + 2);
  link.remove_suffix(1);
  return parse_number(link);
}

}  // namespace watchfire::collectors::ebpf
