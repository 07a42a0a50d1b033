// Stands in for watchfired: takes windows from a collector, asks for the names of what it sees, prints one line each.
//   window_sink SOCKET [SECONDS]
//   watchfired ... --run-dir DIR    (a copy under that name, started by watchfire-launch)

#include <pwd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/untrusted_text.h"
#include "collectors/ebpf/receiver/receiver.h"

using namespace watchfire;

int main(int argc, char** argv) {
  log_init("window_sink");
  if (argc < 2) return 2;
  std::string socket = argv[1];
  for (int i = 1; i + 1 < argc; ++i)
    if (std::string_view(argv[i]) == "--run-dir") socket = std::string(argv[i + 1]) + "/collector.sock";
  bool as_daemon = socket != argv[1];
  std::map<std::string, std::set<uint64_t>> asked;
  collectors::ebpf::Receiver* link = nullptr;
  uint64_t request = 0;
  auto on_window = [&](RawWindow&& w) {
    std::printf("window %lu %s %s expected %lu stored %lu idle %lu lost %lu processes %zu stacks %zu\n", w.sequence,
                format_time(w.start_ns).c_str(), format_time(w.end_ns).c_str(), w.expected_samples, w.stored_samples(),
                w.idle_samples, w.lost_samples(), w.processes.size(), w.stack_count());
    std::map<std::string, std::vector<uint64_t>> wanted;
    for (const auto& frame : w.frames) {
      const auto& file = w.files[frame.file];
      if (file.kind == WindowFileKind::kElf && asked[file.id].insert(frame.address).second)
        wanted[file.id].push_back(frame.address);
    }
    for (auto& [id, addresses] : wanted) link->want_symbols({++request, id, std::move(addresses)});
    std::fflush(stdout);
    return true;
  };
  auto on_symbols = [](SymbolsAnswer&& answer) {
    std::printf("symbols %s outcome %u %s\n", answer.file_id.c_str(), static_cast<unsigned>(answer.outcome),
                escape_terminal(answer.reason).c_str());
    for (const auto& s : answer.symbols)
      for (const auto& line : s.lines)
        std::printf("  0x%lx %s %s:%u\n", s.address, escape_terminal(line.name).c_str(),
                    escape_terminal(line.file).c_str(), line.line);
    std::fflush(stdout);
  };
  auto on_listeners = [](ListenersMessage&& m) {
    for (const auto& l : m.listeners)
      std::printf("listener pid %u %s:%u exe %s pprof %u own_netns %u\n", l.pid, l.address.c_str(), l.port,
                  escape_terminal(l.exe).c_str(), l.has_pprof_handlers, l.own_namespace);
    std::fflush(stdout);
  };
  std::vector<uid_t> allowed;
  if (const passwd* entry = getpwnam("watchfire-collect")) allowed.push_back(entry->pw_uid);
  auto receiver = collectors::ebpf::Receiver::create({.socket_path = socket, .allowed_uids = allowed},
                                                     {on_window, on_listeners, on_symbols, nullptr});
  if (!receiver) {
    log_error(receiver.error().text());
    return 1;
  }
  link = &*receiver;
  DurationNs end = boot_ns() + (argc > 2 && !as_daemon ? std::atoi(argv[2]) : 1'000'000) * kSecond;
  while (boot_ns() < end) receiver->poll(200);
  return 0;
}
