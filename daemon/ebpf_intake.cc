#include "daemon/ebpf_intake.h"

#include "base/counters.h"
#include "base/log.h"
#include "converters/demangle_names.h"
#include "converters/window/window_profiles.h"

namespace watchfire::daemon {
namespace {
constexpr int kPollMs = 200;
constexpr DurationNs kAskAgain = kMinute;
constexpr size_t kMaxFilesTracked = 20'000;

std::string account(const EbpfIntake::State& s) {
  std::string text = "eBPF: " + std::to_string(s.expected) + " samples expected in " + std::to_string(s.windows) +
                     " windows = " + std::to_string(s.stored) + " stored + " + std::to_string(s.idle) + " idle + " +
                     std::to_string(s.lost_samples()) + " lost";
  std::string reasons;
  for (const auto& [reason, n] : s.lost)
    if (n > 0) reasons += (reasons.empty() ? "" : ", ") + reason + " " + std::to_string(n);
  return reasons.empty() ? text : text + " (" + reasons + ")";
}
}  // namespace

EbpfIntake::EbpfIntake(const std::string& host, store::Store& store, OnListeners on_listeners)
    : host_(host), store_(store), on_listeners_(std::move(on_listeners)) {}

Result<std::unique_ptr<EbpfIntake>> EbpfIntake::start(const std::string& socket_path, std::vector<uid_t> collector_uids,
                                                      const std::string& host, store::Store& store,
                                                      OnListeners on_listeners) {
  std::unique_ptr<EbpfIntake> intake(new EbpfIntake(host, store, std::move(on_listeners)));
  EbpfIntake* self = intake.get();
  collectors::ebpf::Receiver::Callbacks callbacks;
  callbacks.on_window = [self](RawWindow&& w) { return self->take_window(std::move(w)); };
  callbacks.on_listeners = [self](ListenersMessage&& m) { self->on_listeners_(std::move(m)); };
  callbacks.on_symbols = [self](SymbolsAnswer&& a) { self->take_symbols(std::move(a)); };
  callbacks.on_link = [self](bool up) {
    if (!up) self->not_before_.clear();
    std::lock_guard lock(self->mutex_);
    self->state_.connected = up;
  };
  WF_ASSIGN(auto receiver, collectors::ebpf::Receiver::create({socket_path, std::move(collector_uids)}, callbacks));
  intake->receiver_ = std::make_unique<collectors::ebpf::Receiver>(std::move(receiver));
  intake->thread_ = std::thread([self] { self->run(); });
  return intake;
}

EbpfIntake::~EbpfIntake() {
  stopping_ = true;
  receiver_->wake();
  thread_.join();
  if (state_.windows > 0) log_info(account(state_));
}

uint64_t EbpfIntake::State::lost_samples() const {
  uint64_t n = 0;
  for (const auto& [reason, count] : lost) n += count;
  return n;
}

EbpfIntake::State EbpfIntake::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void EbpfIntake::run() {
  while (!stopping_) receiver_->poll(kPollMs);
  // What the collector sent while it was stopping is waiting in the socket.
  for (int i = 0; i < 3; ++i) receiver_->poll(50);
}

bool EbpfIntake::take_window(RawWindow&& window) {
  converters::WindowProfiles converted = converters::window_profiles(window, host_);
  if (!converted.profiles.empty()) {
    if (Status stored = store_.append(std::move(converted.profiles)); !stored) {
      count("windows_refused_total", error_code_name(stored.error().code));
      return false;
    }
  }
  count("windows_total");
  for (const auto& [reason, n] : window.lost) count_lost("samples", known_loss_reason(reason), n);
  for (const WindowSample& s : window.samples)
    if (s.end != StackEnd::kEndOfChain && s.end != StackEnd::kNoUserStack)
      count("truncated_stacks_total", stack_end_name(s.end), s.count);
  {
    std::lock_guard lock(mutex_);
    ++state_.windows;
    state_.expected += window.expected_samples;
    state_.stored += window.stored_samples();
    state_.idle += window.idle_samples;
    for (const auto& [reason, n] : window.lost) state_.lost[std::string(known_loss_reason(reason))] += n;
    state_.last_window_end = window.end_ns;
    state_.sample_hz = window.sample_hz;
    if (state_.first_window_start == 0) state_.first_window_start = window.start_ns;
  }
  for (const auto& [file_id, addresses] : converted.unnamed) ask_for_names(file_id, addresses);
  return true;
}

void EbpfIntake::ask_for_names(const std::string& file_id, const std::vector<uint64_t>& addresses) {
  if (auto it = not_before_.find(file_id); it != not_before_.end() && boot_ns() < it->second) return;
  auto unknown = store_.unknown_addresses(file_id, addresses);
  if (!unknown || unknown->empty()) return;
  WantedSymbols wanted;
  wanted.request = next_request_++;
  wanted.file_id = file_id;
  wanted.addresses = *std::move(unknown);
  if (wanted.addresses.size() > kMaxWantedAddresses) wanted.addresses.resize(kMaxWantedAddresses);
  if (!receiver_->want_symbols(std::move(wanted))) count("symbol_requests_refused_total");
}

void EbpfIntake::take_symbols(SymbolsAnswer&& answer) {
  if (answer.outcome != SymbolsOutcome::kDone) {
    count("symbol_failures_total", answer.outcome == SymbolsOutcome::kUnknownFile ? "unknown_file"
                                   : answer.outcome == SymbolsOutcome::kFailed    ? "parser_failed"
                                                                                  : "no_parser");
    if (not_before_.size() > kMaxFilesTracked) not_before_.clear();
    DurationNs wait = answer.outcome == SymbolsOutcome::kUnavailable ? 10 * kSecond : kAskAgain;
    not_before_[answer.file_id] = boot_ns() + wait;
    return;
  }
  std::vector<store::SymbolRange> ranges;
  for (SymbolAnswer& symbol : answer.symbols) {
    store::SymbolRange range{symbol.address, symbol.address + 1, {}};
    for (SymbolLine& line : symbol.lines)
      range.frames.push_back({converters::readable_name(line.system_name, converters::DemangleMode::kDefault),
                              std::move(line.system_name), std::move(line.file), line.line});
    ranges.push_back(std::move(range));
  }
  count("symbols_total", {}, ranges.size());
  if (Status added = store_.add_symbols(answer.file_id, ranges); !added)
    log_limited(LogLevel::kWarn, "symbols", "symbols of a file could not be stored: " + added.error().text());
}

}  // namespace watchfire::daemon
