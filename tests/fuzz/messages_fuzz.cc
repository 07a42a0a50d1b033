// Every message between the processes: what decodes must encode to the same bytes, and hold together.

#include <sys/socket.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/listeners.h"
#include "base/symbols_message.h"
#include "base/window.h"
#include "base/wire.h"
#include "converters/window/window_profiles.h"
#include "tests/fuzz/check.h"

using namespace watchfire;
using fuzz::check;

namespace {

void check_same(std::span<const std::byte> a, const std::vector<std::byte>& b) {
  check(std::ranges::equal(a, b));
}

void check_window(std::span<const std::byte> bytes) {
  auto w = decode_window(bytes);
  if (!w) return;
  for (const auto& s : w->samples)
    for (uint32_t frame : w->stack(s.stack))
      check(w->frames.at(frame).file < w->files.size() && s.process < w->processes.size());
  auto again = decode_window(encode_window(*w));
  check(again && again->stored_samples() == w->stored_samples() && again->lost_samples() == w->lost_samples());
  for (const auto& p : converters::window_profiles(*w, "host").profiles)
    check(profile::validate(*p.profile).has_value());
}

// A peer that says HELLO, then sends these bytes as packets of the length that stands before each.
void check_channel(std::span<const std::byte> bytes) {
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  WireHello hello{.role = WireRole::kCollector};
  WireHeader header{.length = sizeof hello, .type = static_cast<uint16_t>(WireType::kHello)};
  ByteWriter first;
  first.write(header);
  first.write(hello);
  (void)::send(theirs.get(), first.bytes().data(), first.size(), MSG_NOSIGNAL);
  ByteReader r(bytes);
  for (int i = 0; i < 8 && r.remaining() > 0; ++i) {
    auto packet = r.take(std::min<size_t>(r.read<uint8_t>(), r.remaining()));
    (void)::send(theirs.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
  }
  (void)::shutdown(theirs.get(), SHUT_WR);
  auto channel = WireChannel::greet(std::move(ours), WireRole::kDaemon, WireRole::kCollector, kSecond);
  check(channel.has_value());
  for (int i = 0; i < 10; ++i) {
    auto message = channel->receive(0);
    if (!message) return;
    if (*message) check((*message)->bytes.size() <= kWireMaxMessage);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 8) {
    case 0:
      check_window(bytes);
      break;
    case 1:
      if (auto m = decode_listeners(bytes)) check_same(bytes, encode_listeners(*m));
      break;
    case 2:
      if (auto m = decode_wanted_symbols(bytes)) check_same(bytes, encode_wanted_symbols(*m));
      break;
    case 3:
      if (auto m = decode_symbols_answer(bytes)) check_same(bytes, encode_symbols_answer(*m));
      break;
    case 4:
      if (auto m = decode_file_facts(bytes)) check_same(bytes, encode_file_facts(*m));
      break;
    case 5:
      check_channel(bytes);
      break;
    case 6:
      if (auto m = decode_inspect_request(bytes)) check_same(bytes, encode_inspect_request(*m));
      break;
    default:
      if (auto m = decode_window_ack(bytes)) check_same(bytes, encode_window_ack(*m));
  }
  return 0;
}
