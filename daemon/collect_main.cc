// watchfire-collect: samples every CPU through eBPF and hands windows to watchfired. The only process with rights.

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/untrusted_text.h"
#include "collectors/ebpf/collector.h"

namespace {

using watchfire::RawWindow;
using watchfire::collectors::ebpf::Collector;
using watchfire::collectors::ebpf::CollectorOptions;

constexpr const char* kUsage =
    "usage: watchfire-collect [--socket PATH] [--parse-socket PATH] [--hz N] [--no-listeners] [--force] [--print]\n"
    "  --socket PATH        watchfired's socket for the collector\n"
    "  --parse-socket PATH  watchfire-parse's socket\n"
    "  --hz N               samples a second and CPU, 1 to 999 (19)\n"
    "  --no-listeners       do not look for processes that listen on TCP\n"
    "  --force              run also on a kernel known to freeze under stack sampling\n"
    "  --print              write each window to stdout as text\n";

std::string frame_text(const RawWindow& w, uint32_t index) {
  const auto& frame = w.frames[index];
  const auto& file = w.files[frame.file];
  if (frame.name != watchfire::kNoIndex) return w.names[frame.name] + " " + file.path;
  char address[24];
  std::snprintf(address, sizeof address, "0x%lx", static_cast<unsigned long>(frame.address));
  return std::string(address) + " " + file.path;
}

void print_window(const RawWindow& w) {
  std::string out = "window " + std::to_string(w.sequence) + " " + watchfire::format_time(w.start_ns) + " .. " +
                    watchfire::format_time(w.end_ns) + " hz " + std::to_string(w.sample_hz) + " cpus " +
                    std::to_string(w.cpus) + " expected " + std::to_string(w.expected_samples) + " stored " +
                    std::to_string(w.stored_samples()) + " idle " + std::to_string(w.idle_samples) + " lost " +
                    std::to_string(w.lost_samples()) + "\n";
  for (const auto& [reason, n] : w.lost) out += "lost " + reason + " " + std::to_string(n) + "\n";
  for (const auto& file : w.files)
    out += "file " + file.id + " " + watchfire::escape_terminal(file.path) + (file.deleted ? " deleted" : "") + "\n";
  for (const auto& sample : w.samples) {
    const auto& process = w.processes[sample.process];
    std::string thread = sample.thread_name == watchfire::kNoIndex ? std::string() : w.names[sample.thread_name];
    out += "sample pid " + std::to_string(process.pid) + " tid " + std::to_string(sample.tid) + " comm " +
           watchfire::escape_terminal(thread) + " exe " + watchfire::escape_terminal(process.exe) + " unit " +
           watchfire::escape_terminal(process.unit) + " count " + std::to_string(sample.count) + " weight_ns " +
           std::to_string(sample.weight_ns) + " end " + std::string(watchfire::stack_end_name(sample.end)) + "\n";
    for (uint32_t frame : w.stack(sample.stack)) out += "  " + watchfire::escape_terminal(frame_text(w, frame)) + "\n";
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

bool parse_arguments(int argc, char** argv, CollectorOptions& options) {
  for (int i = 1; i < argc; ++i) {
    std::string_view flag = argv[i];
    bool has_value = i + 1 < argc;
    if (flag == "--socket" && has_value)
      options.daemon_socket = argv[++i];
    else if (flag == "--parse-socket" && has_value)
      options.parser_socket = argv[++i];
    else if (flag == "--hz" && has_value)
      options.hz = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    else if (flag == "--no-listeners")
      options.listeners = false;
    else if (flag == "--force")
      options.force = true;
    else if (flag == "--print")
      options.on_window = print_window;
    else
      return false;
  }
  return !options.daemon_socket.empty() || options.on_window;
}

}  // namespace

int main(int argc, char** argv) {
  watchfire::log_init("watchfire-collect");
  ::prctl(PR_SET_NAME, "watchfire-collect");  // a program started by descriptor is named after its number
  CollectorOptions options;
  if (!parse_arguments(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  for (int signal : {SIGTERM, SIGINT}) sigaddset(&stop_signals, signal);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  watchfire::Fd stop(signalfd(-1, &stop_signals, SFD_CLOEXEC));
  auto collector = Collector::create(std::move(options));
  if (!collector) {
    watchfire::log_error(collector.error().text());
    return 1;
  }
  if (auto missing = watchfire::collectors::ebpf::missing_rights(); !missing.empty()) watchfire::log_warn(missing);
  (*collector)->run(stop.get());
  return 0;
}
