#pragma once

#include <sys/types.h>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/symbols_message.h"
#include "base/wire.h"
#include "binaries/service/sandbox.h"

namespace watchfire::binaries {

/// The whole of watchfire-parse: takes files from collectors, has each read by a sandboxed worker of its own (two at
/// a time), answers. The parent itself reads no file. A file whose worker died is quarantined for an hour: asked
/// again, it is refused at once, so one bad file costs one worker. One thread.
class ParseService {
 public:
  ParseService(WireListener listener, SandboxLimits limits) : listener_(std::move(listener)), limits_(limits) {}

  /// Serves until `stop_fd` is readable.
  void run(int stop_fd);
  /// One round of it, for tests.
  void poll_once(int stop_fd, int timeout_ms);

 private:
  struct Client {
    WireChannel channel;
    bool gone = false;
  };
  using ClientRef = std::shared_ptr<Client>;
  using FileIdentity = std::tuple<dev_t, ino_t, int64_t, int64_t>;

  struct Job {
    std::weak_ptr<Client> client;
    WireType type;
    InspectRequest inspect;
    WantedSymbols wanted;
    Fd file;
    FileIdentity identity;
  };
  struct Running {
    Job job;
    SandboxedWork work;
  };
  struct Quarantined {
    std::string_view reason;
    DurationNs until;
  };

  void accept_client();
  void serve(const ClientRef& client);
  Status queue(const ClientRef& client, WireMessage message);
  void start_jobs(DurationNs now);
  void advance_jobs(DurationNs now);
  void finish(Job& job, SandboxedWork::Outcome outcome, DurationNs now);
  void answer_facts(Job& job, FileFacts facts);
  void answer_symbols(Job& job, SymbolsAnswer answer);
  void refuse(Job& job, std::string_view reason);
  void send(Job& job, WireType type, std::span<const std::byte> bytes);

  WireListener listener_;
  SandboxLimits limits_;
  std::vector<ClientRef> clients_;
  std::deque<Job> waiting_;
  std::list<Running> running_;
  std::map<FileIdentity, Quarantined> quarantine_;
};

}  // namespace watchfire::binaries
