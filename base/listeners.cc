#include "base/listeners.h"

#include "base/bytes.h"

namespace watchfire {
namespace {

constexpr uint32_t kMaxListeners = 16'384;
constexpr size_t kMaxText = 256;
constexpr size_t kLeastListener = 5 * 4 + 2 * 8 + 5 * 4;

Listener read_listener(ByteReader& r) {
  Listener l;
  l.pid = r.read<uint32_t>();
  l.exec_id = r.read<uint32_t>();
  l.start_boot_ns = r.read<int64_t>();
  l.port = r.read<uint32_t>();
  if (l.port > 65535) r.set_failed();
  l.has_pprof_handlers = r.read<uint32_t>();
  l.own_namespace = r.read<uint32_t>();
  l.net_namespace = r.read<uint64_t>();
  for (auto* text : {&l.address, &l.comm, &l.exe, &l.unit, &l.container_id})
    *text = std::string(r.read_string(kMaxText));
  return l;
}

}  // namespace

std::vector<std::byte> encode_listeners(const ListenersMessage& message) {
  ByteWriter w;
  w.write(message.truncated);
  w.write(static_cast<uint32_t>(message.listeners.size()));
  for (const auto& l : message.listeners) {
    w.write(l.pid);
    w.write(l.exec_id);
    w.write(l.start_boot_ns);
    w.write(l.port);
    w.write(l.has_pprof_handlers);
    w.write(l.own_namespace);
    w.write(l.net_namespace);
    for (const auto* text : {&l.address, &l.comm, &l.exe, &l.unit, &l.container_id}) w.write_string(*text);
  }
  return w.release();
}

Result<ListenersMessage> decode_listeners(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  ListenersMessage message;
  message.truncated = r.read<uint32_t>();
  auto n = r.read<uint32_t>();
  if (n > kMaxListeners || n > r.remaining() / kLeastListener) r.set_failed();
  for (; n > 0 && r.ok(); --n) message.listeners.push_back(read_listener(r));
  if (!r.ok() || r.remaining() != 0) return fail(ErrorCode::kCorrupt, "listeners that do not follow their format");
  return message;
}

}  // namespace watchfire
