#include "collectors/ebpf/parser_link.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/counters.h"
#include "base/log.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr DurationNs kLongestBackoff = 30 * kSecond;
constexpr DurationNs kAskAgainAfter = 60 * kSecond;
constexpr size_t kMaxOpenQuestions = 1024;
constexpr int kMessagesAtOnce = 64;
constexpr DurationNs kSendPatience = 50 * kMillisecond;

/// Facts from a parser are hostile: an id that could pass for something else is refused.
bool are_sane(const FileFacts& facts) {
  auto is_hex = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  };
  if (facts.is_elf == 0) return true;
  if (!is_hex(facts.build_id) || facts.build_id.size() > 128) return false;
  if (!facts.build_id.empty()) return facts.file_id == facts.build_id;
  return facts.file_id.starts_with("hash:") && is_hex(std::string_view(facts.file_id).substr(5)) &&
         facts.file_id.size() == 5 + 32;
}

}  // namespace

void ParserLink::keep_connected(DurationNs now) {
  if (channel_ || path_.empty() || now < next_try_) return;
  auto channel = WireChannel::connect(path_, WireRole::kCollector, WireRole::kParser, kSecond / 2);
  if (channel) {
    channel_ = *std::move(channel);
    backoff_ = 0;
    return;
  }
  backoff_ = std::clamp(backoff_ * 2, kSecond, kLongestBackoff);
  next_try_ = now + backoff_;
  count("parser_links_total", "failed");
  log_limited(LogLevel::kWarn, "parser-connect", "no parser: " + channel.error().text(), 300);
}

void ParserLink::drop(const Error& why) {
  channel_.reset();
  count("parser_links_total", "broken");
  log_limited(LogLevel::kWarn, "parser-gone", "the parser's link ended: " + why.text());
  for (auto& [request, inspection] : inspecting_)
    if (auto file = inspection.file.lock(); file && file->state == MappedFile::Facts::kAsked)
      file->state = MappedFile::Facts::kUnasked;
  inspecting_.clear();
  auto open = std::exchange(naming_, {});
  for (auto& [request, asker] : open) answer_unavailable({asker.first, asker.second, {}}, SymbolsOutcome::kUnavailable);
}

void ParserLink::inspect(const FileRef& file, DurationNs now) {
  bool stale = file->state == MappedFile::Facts::kAsked && now - file->asked_at > kAskAgainAfter;
  bool open_question = file->state == MappedFile::Facts::kUnasked || stale ||
                       (file->state == MappedFile::Facts::kKnown && file->wants_pprof && !file->knows_pprof);
  if (!open_question || file->kind != WindowFileKind::kElf || !file->fd || !channel_) return;
  if (now - file->asked_at < kSecond && file->asked_at != 0) return;
  if (inspecting_.size() >= kMaxOpenQuestions) return;
  InspectRequest request{.request = ++last_request_, .want_pprof = file->wants_pprof ? 1u : 0u};
  int fd = file->fd.get();
  auto sent = channel_->send(WireType::kInspect, encode_inspect_request(request), std::span(&fd, 1), kSendPatience);
  if (!sent && sent.error().code == ErrorCode::kCancelled) return;  // busy: the next window asks again
  if (!sent) return drop(sent.error());
  file->asked_at = now;
  if (file->state != MappedFile::Facts::kKnown) file->state = MappedFile::Facts::kAsked;
  inspecting_[request.request] = {file, file->wants_pprof};
}

void ParserLink::want_symbols(const WantedSymbols& wanted, const FileRef& file) {
  if (!file || !file->fd) return answer_unavailable(wanted, SymbolsOutcome::kUnknownFile);
  if (!channel_ || naming_.size() >= kMaxOpenQuestions) return answer_unavailable(wanted, SymbolsOutcome::kUnavailable);
  WantedSymbols ours = wanted;
  ours.request = ++last_request_;
  int fd = file->fd.get();
  auto sent = channel_->send(WireType::kWantedSymbols, encode_wanted_symbols(ours), std::span(&fd, 1), kSendPatience);
  if (!sent) {
    answer_unavailable(wanted, SymbolsOutcome::kUnavailable);
    if (sent.error().code != ErrorCode::kCancelled) drop(sent.error());
    return;
  }
  naming_[ours.request] = {wanted.request, wanted.file_id};
}

void ParserLink::answer_unavailable(const WantedSymbols& wanted, SymbolsOutcome outcome) {
  on_symbols_(encode_symbols_answer({.request = wanted.request, .outcome = outcome, .file_id = wanted.file_id}));
}

void ParserLink::receive(DurationNs) {
  for (int i = 0; i < kMessagesAtOnce && channel_; ++i) {
    auto message = channel_->receive(0);
    if (!message) return drop(message.error());
    if (!*message) return;
    auto& bytes = (*message)->bytes;
    if ((*message)->type == WireType::kFileFacts) {
      auto facts = decode_file_facts(bytes);
      if (!facts) return drop(facts.error());
      if (!are_sane(*facts)) return drop(Error(ErrorCode::kCorrupt, "facts that make no sense"));
      auto asked = inspecting_.extract(facts->request);
      auto file = asked ? asked.mapped().file.lock() : nullptr;
      if (!file) continue;
      file->knows_pprof = file->knows_pprof || asked.mapped().wants_pprof;
      file->state = MappedFile::Facts::kKnown;
      file->facts = *std::move(facts);
    } else if ((*message)->type == WireType::kSymbols && bytes.size() >= sizeof(uint64_t)) {
      uint64_t request = 0;
      std::memcpy(&request, bytes.data(), sizeof request);
      auto asked = naming_.extract(request);
      if (!asked) continue;
      std::memcpy(bytes.data(), &asked.mapped().first, sizeof request);
      on_symbols_(std::move(bytes));
    } else {
      return drop(Error(ErrorCode::kCorrupt, "an unexpected message from the parser"));
    }
  }
}

}  // namespace watchfire::collectors::ebpf
