#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/symbols_message.h"
#include "base/wire.h"
#include "collectors/ebpf/file_cache.h"

namespace watchfire::collectors::ebpf {

/// The collector's line to watchfire-parse: hands it files, takes facts about them, passes symbols on unread.
/// Connects again after a break (1 s, doubling to 30 s); questions open then are asked anew. One thread.
class ParserLink {
 public:
  /// `on_symbols` gets an encoded SymbolsAnswer that bears the asker's request number.
  ParserLink(std::string path, std::function<void(std::vector<std::byte>)> on_symbols)
      : path_(std::move(path)), on_symbols_(std::move(on_symbols)) {}

  /// Connects when it is time to. Call often.
  void keep_connected(DurationNs now);
  /// Asks what this file is, unless it is known or asked already.
  void inspect(const FileRef& file, DurationNs now);
  /// Asks for names; the answer (also "unavailable") comes to on_symbols.
  void want_symbols(const WantedSymbols& wanted, const FileRef& file);
  /// Takes what has come.
  void receive(DurationNs now);
  int fd() const { return channel_ ? channel_->fd() : -1; }
  bool connected() const { return channel_.has_value(); }
  size_t open_questions() const { return inspecting_.size() + naming_.size(); }

 private:
  void drop(const Error& why);
  void answer_unavailable(const WantedSymbols& wanted, SymbolsOutcome outcome);

  std::string path_;
  std::function<void(std::vector<std::byte>)> on_symbols_;
  std::optional<WireChannel> channel_;
  DurationNs next_try_ = 0;
  DurationNs backoff_ = 0;
  uint64_t last_request_ = 0;
  struct Inspection {
    std::weak_ptr<MappedFile> file;
    bool wants_pprof;
  };
  std::map<uint64_t, Inspection> inspecting_;
  std::map<uint64_t, std::pair<uint64_t, std::string>> naming_;  ///< our number -> the asker's, file id
};

}  // namespace watchfire::collectors::ebpf
