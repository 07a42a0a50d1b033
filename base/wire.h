#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace watchfire {

/// Who speaks at an end of a channel.
enum class WireRole : uint16_t { kDaemon = 1, kCollector = 2, kParser = 3 };

/// What a message holds. Payloads are the encodings of the named types.
enum class WireType : uint16_t {
  kHello = 1,           ///< WireHello; the first message each way
  kRefused = 2,         ///< text: why the channel is closed
  kWindow = 16,         ///< collector -> daemon: RawWindow
  kWindowAck = 17,      ///< daemon -> collector: WindowAck
  kListeners = 18,      ///< collector -> daemon: ListenersMessage
  kWantedSymbols = 19,  ///< daemon -> collector -> parser: WantedSymbols (to the parser with the file's descriptor)
  kSymbols = 20,        ///< parser -> collector -> daemon: SymbolsAnswer
  kInspect = 21,        ///< collector -> parser: InspectRequest, with one descriptor
  kFileFacts = 22,      ///< parser -> collector: FileFacts
};

inline constexpr uint32_t kWireMagic = 0x31524657;  // "WFR1"
inline constexpr uint32_t kWireVersion = 1;
/// The most a message may hold, also one that travels as a memfd.
inline constexpr uint32_t kWireMaxMessage = 64u << 20;
/// The most descriptors with one message, the memfd of a large payload aside.
inline constexpr size_t kWireMaxFds = 8;

/// Length, type and flags, before every payload. Little-endian, as all records.
struct WireHeader {
  uint32_t length = 0;  ///< bytes of payload, wherever it lies
  uint16_t type = 0;
  uint16_t flags = 0;  ///< kWireInMemfd or 0; others are refused
  uint64_t reserved = 0;
};
static_assert(sizeof(WireHeader) == 16);
/// The payload is the last descriptor, a sealed memfd, because it is too large for one packet.
inline constexpr uint16_t kWireInMemfd = 1;

struct WireHello {
  uint32_t magic = kWireMagic;
  uint32_t version = kWireVersion;
  uint32_t max_message_bytes = kWireMaxMessage;  ///< what the sender is willing to receive
  WireRole role = WireRole::kDaemon;
  uint16_t reserved = 0;
};
static_assert(sizeof(WireHello) == 16);

struct WireMessage {
  WireType type = WireType::kHello;
  std::vector<std::byte> bytes;
  std::vector<Fd> fds;
};

/// One connection between two Watchfire processes: whole messages over a SOCK_SEQPACKET Unix socket, descriptors
/// beside them. HELLOs are exchanged by the time one exists. The peer is hostile: lengths, flags and the number of
/// descriptors are checked, payloads are the caller's to decode.
///
/// Move-only, used by one thread at a time. After an error other than kResourceExhausted from send the channel is
/// of no more use: drop it.
class WireChannel {
 public:
  /// Connects and exchanges HELLOs within `timeout`. kUnavailable: nobody listens (yet). kUnsupported: the peer's
  /// version or role is another; the message says which.
  static Result<WireChannel> connect(const std::string& path, WireRole self, WireRole peer,
                                     DurationNs timeout = 2 * kSecond);
  /// The same over a socket that is connected already (socketpair). Both sides call it, in any order.
  static Result<WireChannel> greet(Fd socket, WireRole self, WireRole peer, DurationNs timeout = 2 * kSecond);

  /// Sends one message, waiting up to `timeout` for room. A payload over 64 KiB travels as a sealed memfd.
  /// kCancelled: no room in time, nothing was sent. kUnavailable: the peer is gone.
  Status send(WireType type, std::span<const std::byte> bytes, std::span<const int> fds = {},
              DurationNs timeout = kSecond);
  /// The next message; nothing when none came within `timeout` (0: only what is there). kUnavailable: the peer
  /// closed. kCorrupt: it broke the protocol.
  Result<std::optional<WireMessage>> receive(DurationNs timeout);

  /// For poll(): readable when receive() will not wait.
  int fd() const { return socket_.get(); }
  /// The peer's user, from the kernel.
  uid_t peer_uid() const { return peer_uid_; }
  pid_t peer_pid() const { return peer_pid_; }

 private:
  WireChannel(Fd socket, uid_t uid, pid_t pid) : socket_(std::move(socket)), peer_uid_(uid), peer_pid_(pid) {}
  Status send_hello(WireRole self);
  Status await_hello(WireRole peer, DurationNs timeout);

  Fd socket_;
  uid_t peer_uid_;
  pid_t peer_pid_;
  uint32_t peer_max_bytes_ = kWireMaxMessage;
};

/// A listening socket for WireChannels, at a path or inherited. Move-only; removes its path at the end when it made
/// it. Peers whose uid is neither root, our own, nor one of the allowed are refused in words.
class WireListener {
 public:
  /// Replaces a stale socket at `path`. `mode` is the socket file's.
  static Result<WireListener> listen(const std::string& path, unsigned mode, std::vector<uid_t> allowed_uids = {});
  /// Takes a listening SOCK_SEQPACKET socket handed over by the starter.
  static Result<WireListener> adopt(Fd socket, std::vector<uid_t> allowed_uids = {});
  WireListener(WireListener&&) noexcept = default;
  WireListener& operator=(WireListener&&) noexcept = default;
  ~WireListener();

  /// The next peer that passes its checks and says HELLO; nothing when nobody is waiting. An error is one peer's
  /// failure (log it, go on).
  Result<std::optional<WireChannel>> accept(WireRole self, WireRole peer, DurationNs hello_timeout = kSecond);
  /// For poll().
  int fd() const { return socket_.get(); }
  /// Closes this process's copy and leaves the path to another that inherited the socket.
  void forget();

 private:
  WireListener(Fd socket, std::string path, std::vector<uid_t> allowed)
      : socket_(std::move(socket)), path_(std::move(path)), allowed_uids_(std::move(allowed)) {}

  Fd socket_;
  std::string path_;  ///< empty when adopted
  std::vector<uid_t> allowed_uids_;
};

}  // namespace watchfire
