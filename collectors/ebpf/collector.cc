#include "collectors/ebpf/collector.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/counters.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text_fields.h"
#include "collectors/ebpf/proc_text.h"

namespace watchfire::collectors::ebpf {
namespace {

constexpr size_t kWindowBytes = 24u << 20;
constexpr size_t kMaxClosed = 4;
constexpr DurationNs kFactsPatience = 2 * kSecond;
constexpr DurationNs kFlushPatience = 2 * kSecond;
constexpr DurationNs kQuiet = 300 * kMillisecond;  ///< after the flush: nobody asks for anything more
constexpr int kLookMs = 100;                       ///< how often the rings are looked at when they do not call
constexpr const char* kProc = "/proc";

uint64_t random_session() {
  uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != sizeof value) value = static_cast<uint64_t>(now_ns());
  return value;
}

std::string modules_text() {
  auto text = read_file(std::string(kProc) + "/modules", 1u << 20);
  return text ? *std::move(text) : std::string();
}

/// Time all CPUs together have been idle since boot.
DurationNs read_idle_time() {
  auto text = read_file(std::string(kProc) + "/stat", 4u << 20);
  if (!text) return 0;
  std::string_view line = *text;
  line = line.substr(0, line.find('\n'));
  for (int skipped = 0; skipped < 4; ++skipped) next_word(line);  // "cpu", user, nice, system
  uint64_t idle = parse_number(next_word(line)).value_or(0), waiting = parse_number(next_word(line)).value_or(0);
  return static_cast<DurationNs>(idle + waiting) * (kSecond / std::max(1L, ::sysconf(_SC_CLK_TCK)));
}

/// Callers' addresses point behind the call: one less lies in it, so that lookups find the right line.
uint64_t instruction_address(uint64_t address, bool is_leaf) {
  return is_leaf ? address : address - 1;
}

}  // namespace

Result<std::unique_ptr<Collector>> Collector::create(CollectorOptions options) {
  if (options.hz < 1 || options.hz > options.max_hz)
    return fail(Error(ErrorCode::kInvalidArgument, "--hz " + std::to_string(options.hz) + " is out of range")
                    .hinted("1 to " + std::to_string(options.max_hz) + " samples a second and CPU"));
  WF_ASSIGN(BpfSampler sampler, BpfSampler::create(options.hz, options.force));
  return std::unique_ptr<Collector>(new Collector(std::move(options), std::move(sampler)));
}

Collector::Collector(CollectorOptions options, BpfSampler sampler)
    : options_(std::move(options)),
      sampler_(std::move(sampler)),
      processes_(kProc, files_),
      listeners_(kProc, files_),
      daemon_(options_.daemon_socket, [this](WantedSymbols wanted) { answer_wanted(wanted); }),
      parser_(options_.parser_socket, [this](std::vector<std::byte> bytes) { daemon_.send_symbols(std::move(bytes)); }),
      clock_(now_ns(), boot_ns()),
      window_(std::make_unique<WindowBuilder>(kWindowBytes)),
      now_(boot_ns()),
      session_(random_session()) {
  utsname kernel{};
  ::uname(&kernel);
  unnamed_kernel_ = make_kernel_file(kernel.release, "");
  idle_time_ = read_idle_time();
  read_kernel_symbols();
}

void Collector::read_kernel_symbols() {
  modules_ = modules_text();
  auto symbols = KernelSymbols::read(kProc);
  kernel_known_ = symbols.has_value();
  if (symbols)
    kernel_ = *std::move(symbols);
  else
    log_warn("kernel frames stay without names: " + symbols.error().text());
}

void Collector::run(int stop_fd) {
  for (bool stop = false; !stop;) {
    wait(stop_fd, stop);
    now_ = boot_ns();
    take_samples();
    if (auto over = clock_.tick(now_ns(), now_)) {
      close_window(*over);
      once_a_window();
    }
    hand_over(false);
    look_for_listeners();
    parser_.keep_connected(now_);
    daemon_.keep_connected(now_);
  }
  finish();
}

void Collector::wait(int stop_fd, bool& stop) {
  pollfd fds[4] = {
      {stop_fd, POLLIN, 0}, {sampler_.poll_fd(), POLLIN, 0}, {daemon_.fd(), POLLIN, 0}, {parser_.fd(), POLLIN, 0}};
  if (::poll(fds, 4, kLookMs) <= 0) return;
  stop = fds[0].revents != 0;
  if (fds[2].revents != 0) daemon_.receive();
  if (fds[3].revents != 0) parser_.receive(now_);
}

void Collector::take_samples() {
  uint64_t bad = sampler_.drain([this](const Sample& sample) { take(sample); });
  window_->lose("bad_record", bad);
  total_drained_ += bad;
}

void Collector::take(const Sample& sample) {
  ++total_drained_;
  const wf_sample& h = *sample.header;
  auto process = processes_.find(
      {h.pid, h.exec_id, h.start_boot_ns},
      {h.process_comm, h.is_kernel_thread != 0, {h.parent_pid, h.parent_exec_id, h.parent_start_ns}}, now_);
  std::vector<RawFrame> frames;
  frames.reserve(sample.kernel.size() + sample.user.size());
  for (size_t i = 0; i < sample.kernel.size(); ++i) {
    uint64_t address = instruction_address(sample.kernel[i], i == 0);
    auto found = kernel_known_ ? kernel_.find(address) : KernelSymbols::Found{unnamed_kernel_, address, {}};
    frames.push_back({std::move(found.file), found.address, found.name});
  }
  for (size_t i = 0; i < sample.user.size(); ++i) {
    Place place = processes_.resolve(*process, instruction_address(sample.user[i], i == 0), now_);
    if (place.file->kind == WindowFileKind::kElf) parser_.inspect(place.file, now_);
    frames.push_back({std::move(place.file), place.offset, {}});
  }
  int64_t weight = processes_.weigh(*process, h.tid, h.runtime_ns, kSecond / options_.hz);
  auto end = static_cast<StackEnd>(std::min<uint32_t>(h.user_end, static_cast<uint32_t>(StackEnd::kUnsupportedCode)));
  window_->add({process, h.tid, h.comm, frames, end, weight});
}

/// Where the times went at which timers were due and did not fire. The kernel stops the timer of a CPU that stays
/// idle (it throttles by ticks, and such a CPU has none): those would have been idle samples. The rest is late, as
/// when a virtual machine's CPU is away. A small difference is how the windows' borders fall.
Collector::Unfired Collector::account_unfired(const wf_counts& now) {
  int64_t period = kSecond / options_.hz;
  DurationNs idle_time = read_idle_time();
  auto due = static_cast<uint64_t>((now_ - accounted_at_) / period) * sampler_.cpus();
  auto idle_due = static_cast<uint64_t>(std::max<DurationNs>(idle_time - idle_time_, 0) / period);
  uint64_t fired = now.fired - accounted_.fired, idle = now.idle - accounted_.idle;
  accounted_at_ = now_;
  idle_time_ = idle_time;
  uint64_t missing = due > fired + sampler_.cpus() + due / 100 ? due - fired : 0;
  uint64_t missing_idle = std::min(missing, idle_due > idle ? idle_due - idle : 0);
  return {missing_idle, missing - missing_idle};
}

void Collector::close_window(const WindowClock::Span& span) {
  wf_counts totals = sampler_.totals();
  window_->lose("ring_full", totals.failed - accounted_.failed);
  RawWindow header;
  header.session = session_;
  header.sequence = ++sequence_;
  header.start_ns = span.start_ns;
  header.end_ns = span.end_ns;
  header.boot_to_unix_ns = now_ns() - boot_ns();
  header.sample_hz = options_.hz;
  header.cpus = sampler_.cpus();
  header.period_ns = kSecond / options_.hz;
  header.idle_samples = totals.idle - accounted_.idle;
  // What was drained, not what was put out: a sample still in a ring now belongs to the next window.
  uint64_t drained = total_drained_ - drained_accounted_;
  Unfired unfired = account_unfired(totals);
  window_->lose("timer_late", unfired.late);
  header.idle_samples += unfired.idle;
  header.expected_samples = header.idle_samples + (totals.failed - accounted_.failed) + drained + unfired.late;
  accounted_ = totals;
  drained_accounted_ = total_drained_;
  for (const auto& file : window_->files()) parser_.inspect(file, now_);
  closed_.push_back({std::move(header), std::exchange(window_, std::make_unique<WindowBuilder>(kWindowBytes))});
}

/// Passes on the windows whose files are known, or have been waited for long enough.
void Collector::hand_over(bool all) {
  while (!closed_.empty()) {
    Closed& first = closed_.front();
    bool wait_more = !all && closed_.size() < kMaxClosed && parser_.connected() &&
                     first.builder->waits_for_facts(now_, kFactsPatience);
    if (wait_more) return;
    RawWindow window = first.builder->finish();
    RawWindow& header = first.header;
    header.lost = std::move(window.lost);
    for (auto member :
         {&RawWindow::session, &RawWindow::sequence, &RawWindow::expected_samples, &RawWindow::idle_samples})
      window.*member = header.*member;
    for (auto member : {&RawWindow::start_ns, &RawWindow::end_ns, &RawWindow::boot_to_unix_ns, &RawWindow::period_ns})
      window.*member = header.*member;
    window.sample_hz = header.sample_hz;
    window.cpus = header.cpus;
    window.lost = std::move(header.lost);
    closed_.pop_front();
    if (options_.on_window) options_.on_window(window);
    if (!options_.daemon_socket.empty()) daemon_.add_window(window, now_);
  }
}

void Collector::once_a_window() {
  files_.expire(now_);
  processes_.expire(now_);
  if (kernel_known_ && modules_text() != modules_) read_kernel_symbols();
}

/// Scans when it is time; what the parser has yet to say about the programs found is asked and told second by second.
void Collector::look_for_listeners() {
  if (!options_.listeners) return;
  bool due = listeners_.is_due(now_);
  if (due) listeners_.run(now_);
  if (!due && (!listeners_open_ || now_ - listeners_told_ < kSecond)) return;
  auto open = listeners_.programs_to_inspect();
  for (const auto& program : open) parser_.inspect(program, now_);
  daemon_.set_listeners(encode_listeners(listeners_.found()));
  listeners_told_ = now_;
  listeners_open_ = !open.empty();
}

void Collector::answer_wanted(const WantedSymbols& wanted) {
  parser_.want_symbols(wanted, files_.find_open(wanted.file_id));
}

/// Stops the timers, takes what is left, and gives watchfired a moment to acknowledge it.
void Collector::finish() {
  sampler_.detach();
  now_ = boot_ns();
  take_samples();
  wf_counts totals = sampler_.totals();
  // Everything the program put into a ring has come out by now; what has not is lost.
  uint64_t missing = totals.output > total_drained_ ? totals.output - total_drained_ : 0;
  window_->lose("ring_lost", missing);
  total_drained_ += missing;
  close_window(clock_.finish(now_ns()));
  hand_over(true);
  // watchfired acknowledges, then asks for names of what it just got: both have a moment.
  DurationNs now = boot_ns(), deadline = now + kFlushPatience, quiet_since = now;
  while (daemon_.connected() && now < deadline) {
    pollfd fds[2] = {{daemon_.fd(), POLLIN, 0}, {parser_.fd(), POLLIN, 0}};
    bool active = ::poll(fds, 2, kLookMs) > 0;
    if (fds[0].revents != 0) daemon_.receive();
    if (fds[1].revents != 0) parser_.receive(now);
    now = boot_ns();
    if (active || daemon_.waiting() > 0 || parser_.open_questions() > 0) quiet_since = now;
    if (now - quiet_since > kQuiet) break;
  }
  if (daemon_.waiting() > 0)
    log_warn(std::to_string(daemon_.waiting()) + " windows were not acknowledged by watchfired and are lost");
  count_lost("windows", "not_acknowledged", daemon_.waiting());
}

}  // namespace watchfire::collectors::ebpf
