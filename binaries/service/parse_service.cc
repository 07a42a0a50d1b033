#include "binaries/service/parse_service.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/counters.h"
#include "base/log.h"
#include "binaries/symbolizer.h"

namespace watchfire::binaries {
namespace {

constexpr size_t kMaxClients = 4;
constexpr size_t kMaxWaiting = 2048;
constexpr size_t kMaxRunning = 2;
constexpr size_t kMaxQuarantine = 4096;
constexpr DurationNs kQuarantine = kHour;
constexpr int64_t kMaxFileBytes = int64_t{4} << 30;
constexpr int kMessagesAtOnce = 32;

/// The file in memory, in a worker. Mapped read-only: a page costs when it is looked at, and counts for no limit.
std::span<const std::byte> map_file(int fd) {
  struct stat st{};
  if (::fstat(fd, &st) != 0 || st.st_size <= 0) return {};
  auto size = static_cast<size_t>(st.st_size);
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) return {};
  return {static_cast<const std::byte*>(at), size};
}

std::vector<std::byte> inspect_in_worker(int fd, const InspectRequest& request) {
  FileFacts facts = inspect_file(map_file(fd), request.want_pprof != 0);
  facts.request = request.request;
  return encode_file_facts(facts);
}

std::vector<std::byte> symbolize_in_worker(int fd, const WantedSymbols& wanted) {
  SymbolsAnswer answer{.request = wanted.request, .file_id = wanted.file_id};
  auto symbols = symbolize(map_file(fd), wanted.addresses);
  if (symbols) {
    answer.symbols = *std::move(symbols);
  } else {
    answer.outcome = SymbolsOutcome::kFailed;
    answer.reason = symbols.error().message;
  }
  return encode_symbols_answer(answer);
}

}  // namespace

void ParseService::run(int stop_fd) {
  pollfd stop{stop_fd, POLLIN, 0};
  while (::poll(&stop, 1, 0) <= 0) poll_once(stop_fd, 1000);
}

void ParseService::poll_once(int stop_fd, int timeout_ms) {
  std::vector<pollfd> fds{{stop_fd, POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
  bool room = waiting_.size() < kMaxWaiting;
  for (const auto& client : clients_) fds.push_back({room ? client->channel.fd() : -1, POLLIN, 0});
  DurationNs now = boot_ns();
  for (const auto& r : running_) {
    fds.push_back({r.work.fd(), POLLIN, 0});
    auto left = static_cast<int>(std::clamp<DurationNs>((r.work.deadline() - now) / kMillisecond + 1, 0, 60'000));
    timeout_ms = std::min(timeout_ms, left);
  }
  if (::poll(fds.data(), fds.size(), timeout_ms) < 0) return;
  if (fds[1].revents != 0) accept_client();
  // The clients as they were when fds was made: accepting only appends.
  for (size_t i = 0; i + 2 < fds.size() - running_.size(); ++i)
    if (fds[i + 2].revents != 0) serve(clients_[i]);
  std::erase_if(clients_, [](const ClientRef& client) { return client->gone; });
  advance_jobs(boot_ns());
  start_jobs(boot_ns());
}

void ParseService::accept_client() {
  auto channel = listener_.accept(WireRole::kParser, WireRole::kCollector);
  if (!channel) return log_limited(LogLevel::kWarn, "refused", "a peer was refused: " + channel.error().text());
  if (!*channel) return;
  if (clients_.size() >= kMaxClients) return log_limited(LogLevel::kWarn, "clients", "too many peers, one was refused");
  clients_.push_back(std::make_shared<Client>(std::move(**channel)));
}

void ParseService::serve(const ClientRef& client) {
  for (int i = 0; i < kMessagesAtOnce && waiting_.size() < kMaxWaiting; ++i) {
    auto message = client->channel.receive(0);
    if (message && !*message) return;
    Status handled = message ? queue(client, std::move(**message)) : fail(message.error());
    if (handled) continue;
    if (handled.error().code == ErrorCode::kCorrupt) log_limited(LogLevel::kWarn, "peer", handled.error().text());
    client->gone = true;
    return;
  }
}

Status ParseService::queue(const ClientRef& client, WireMessage message) {
  if (message.fds.size() != 1) return fail(ErrorCode::kCorrupt, "a request without its file");
  Job job{.client = client, .type = message.type, .file = std::move(message.fds[0])};
  if (job.type == WireType::kInspect) {
    WF_ASSIGN(job.inspect, decode_inspect_request(message.bytes));
  } else if (job.type == WireType::kWantedSymbols) {
    WF_ASSIGN(job.wanted, decode_wanted_symbols(message.bytes));
  } else {
    return fail(ErrorCode::kCorrupt, "an unexpected message");
  }
  struct stat st{};
  if (::fstat(job.file.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    refuse(job, "not_regular");
    return {};
  }
  if (st.st_size > kMaxFileBytes) {
    refuse(job, "file_too_large");
    return {};
  }
  job.identity = {st.st_dev, st.st_ino, st.st_mtim.tv_sec * kSecond + st.st_mtim.tv_nsec, st.st_size};
  waiting_.push_back(std::move(job));
  return {};
}

void ParseService::start_jobs(DurationNs now) {
  while (running_.size() < kMaxRunning && !waiting_.empty()) {
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    if (job.client.expired()) continue;
    auto bad = quarantine_.find(job.identity);
    if (bad != quarantine_.end() && now < bad->second.until) {
      refuse(job, bad->second.reason);
      continue;
    }
    int fd = job.file.get();
    auto started = SandboxedWork::start(
        [&job, fd] {
          return job.type == WireType::kInspect ? inspect_in_worker(fd, job.inspect)
                                                : symbolize_in_worker(fd, job.wanted);
        },
        fd, limits_);
    if (!started) {
      log_limited(LogLevel::kError, "fork", started.error().text());
      refuse(job, "no_worker");
      continue;
    }
    running_.push_back({std::move(job), *std::move(started)});
  }
}

void ParseService::advance_jobs(DurationNs now) {
  for (auto it = running_.begin(); it != running_.end();) {
    auto outcome = it->work.advance(now);
    if (!outcome) {
      ++it;
      continue;
    }
    finish(it->job, *std::move(outcome), now);
    it = running_.erase(it);
  }
}

void ParseService::finish(Job& job, SandboxedWork::Outcome outcome, DurationNs now) {
  if (outcome.done) {
    // What a worker says is as hostile as its file: it is decoded before it goes on, and cannot answer for another.
    if (job.type == WireType::kInspect) {
      if (auto facts = decode_file_facts(outcome.answer)) return answer_facts(job, *std::move(facts));
    } else if (auto answer = decode_symbols_answer(outcome.answer)) {
      return answer_symbols(job, *std::move(answer));
    }
    outcome.reason = "bad_answer";
  }
  count("parser_workers_died_total", outcome.reason);
  log_limited(LogLevel::kWarn, "worker",
              "a worker ended by " + std::string(outcome.reason) + "; its file is quarantined");
  if (quarantine_.size() >= kMaxQuarantine) quarantine_.clear();
  quarantine_[job.identity] = {outcome.reason, now + kQuarantine};
  refuse(job, outcome.reason);
}

void ParseService::answer_facts(Job& job, FileFacts facts) {
  facts.request = job.inspect.request;
  send(job, WireType::kFileFacts, encode_file_facts(facts));
}

void ParseService::answer_symbols(Job& job, SymbolsAnswer answer) {
  answer.request = job.wanted.request;
  answer.file_id = job.wanted.file_id;
  send(job, WireType::kSymbols, encode_symbols_answer(answer));
}

void ParseService::refuse(Job& job, std::string_view reason) {
  if (job.type == WireType::kInspect) return answer_facts(job, {.reason = std::string(reason)});
  answer_symbols(job, {.outcome = SymbolsOutcome::kFailed, .reason = std::string(reason)});
}

void ParseService::send(Job& job, WireType type, std::span<const std::byte> bytes) {
  auto client = job.client.lock();
  if (!client || client->gone) return;
  if (auto sent = client->channel.send(type, bytes); !sent) {
    log_limited(LogLevel::kWarn, "send", "an answer could not be sent: " + sent.error().text());
    client->gone = true;
  }
}

}  // namespace watchfire::binaries
