#include "collectors/ebpf/bpf_sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "sample.skel.h"

namespace watchfire::collectors::ebpf {
namespace {

/// 256 KiB a CPU: within what the kernel lets any user pin, and 6 s of the deepest stacks at 19 Hz.
constexpr size_t kRingPages = 64;

// perf.data's own layout of a raw record.
struct RawRecord {
  perf_event_header header;
  uint32_t size;
};
static_assert(sizeof(RawRecord) == 12);

std::string g_libbpf_message;

int keep_message(libbpf_print_level level, const char* format, va_list args) {
  if (level != LIBBPF_WARN || g_libbpf_message.size() > 1000) return 0;
  char line[300];
  std::vsnprintf(line, sizeof line, format, args);
  g_libbpf_message += line;
  return 0;
}

/// The last lines that libbpf wrote, on one line.
std::string libbpf_message() {
  std::string out;
  for (char c : g_libbpf_message) out += c == '\n' ? ' ' : c;
  g_libbpf_message.clear();
  return out;
}

bool has_capability(cap_value_t capability) {
  cap_t caps = cap_get_proc();
  if (caps == nullptr) return false;
  cap_flag_value_t value = CAP_CLEAR;
  cap_get_flag(caps, capability, CAP_EFFECTIVE, &value);
  cap_free(caps);
  return value == CAP_SET;
}

/// Inode of the pid namespace we are in, so that pids in samples are those of our /proc; 0 for the initial one.
uint32_t own_pid_namespace() {
  constexpr ino_t kInitial = 0xEFFFFFFC;  // PROC_PID_INIT_INO
  struct stat st{};
  if (::stat("/proc/self/ns/pid", &st) != 0 || st.st_ino == kInitial) return 0;
  return static_cast<uint32_t>(st.st_ino);
}

Result<Fd> open_timer(int cpu, uint32_t hz) {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_CPU_CLOCK;
  attr.sample_period = 1'000'000'000 / hz;
  Fd fd(static_cast<int>(::syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (fd) return fd;
  if (errno == EACCES || errno == EPERM)
    return fail(Error(ErrorCode::kPermissionDenied, "perf_event_open is not allowed")
                    .hinted("needs CAP_PERFMON (or kernel.perf_event_paranoid <= 0)"));
  return fail(system_error(errno, "perf_event_open on CPU " + std::to_string(cpu)));
}

/// "0-3,5" -> 0 1 2 3 5.
std::vector<int> parse_cpu_list(const std::string& text) {
  std::vector<int> cpus;
  const char* p = text.c_str();
  while (*p >= '0' && *p <= '9') {
    char* end = nullptr;
    long first = std::strtol(p, &end, 10), last = first;
    if (*end == '-') last = std::strtol(end + 1, &end, 10);
    for (long cpu = first; cpu <= last && cpus.size() < 8192; ++cpu) cpus.push_back(static_cast<int>(cpu));
    p = *end == ',' ? end + 1 : end;
  }
  return cpus;
}

/// Copies a perf record's payload (which perf leaves unaligned) and takes it apart; false when its lengths do not fit.
bool parse_record(const perf_event_header* header, wf_sample& copy, Sample& sample) {
  if (header->size < sizeof(RawRecord)) return false;
  const auto* bytes = reinterpret_cast<const char*>(header);
  uint32_t size = 0;
  std::memcpy(&size, bytes + offsetof(RawRecord, size), sizeof size);
  if (size > header->size - sizeof(RawRecord) || size < WF_SAMPLE_HEADER_BYTES) return false;
  std::memcpy(&copy, bytes + sizeof(RawRecord), std::min<size_t>(size, sizeof copy));
  size_t kernel = copy.kernel_frames, user = copy.user_frames, all = kernel + user;
  if (all > WF_MAX_FRAMES || all > (size - WF_SAMPLE_HEADER_BYTES) / sizeof(uint64_t)) return false;
  copy.comm[sizeof copy.comm - 1] = copy.process_comm[sizeof copy.process_comm - 1] = 0;
  auto frames = std::span(reinterpret_cast<const uint64_t*>(copy.frames), all);
  sample = {&copy, frames.first(kernel), frames.subspan(kernel)};
  return true;
}

}  // namespace

std::string missing_rights() {
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return "the kernel has no BTF (/sys/kernel/btf/vmlinux): it must be built with CONFIG_DEBUG_INFO_BTF";
  struct {
    cap_value_t value;
    const char* text;
  } needed[] = {{CAP_BPF, "CAP_BPF is missing: the eBPF program cannot be loaded"},
                {CAP_PERFMON, "CAP_PERFMON is missing: no timer may be attached to other users' processes"},
                {CAP_SYS_PTRACE, "CAP_SYS_PTRACE is missing: other users' /proc/PID cannot be read"},
                {CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE is missing: /proc/PID/map_files cannot be opened"},
                {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH is missing: programs in private directories stay unnamed"},
                {CAP_SYSLOG, "CAP_SYSLOG is missing: the kernel hides its symbols' addresses"}};
  for (const auto& need : needed)
    if (!has_capability(need.value)) return need.text;
  return {};
}

bool is_dangerous_kernel(const std::string& release) {
  int major = 0, minor = 0, patch = 0;
  if (std::sscanf(release.c_str(), "%d.%d.%d", &major, &minor, &patch) < 2) return false;
  if (major == 5) return minor == 19;
  if (major != 6) return false;
  if (minor == 0 || minor == 2) return true;
  return (minor == 1 && patch < 36) || (minor == 3 && patch < 10);
}

struct BpfSampler::State {
  sample_bpf* skeleton = nullptr;
  perf_buffer* rings = nullptr;
  std::vector<bpf_link*> links;
  uint32_t cpus = 0;
  uint64_t bad_records = 0;
  wf_sample current{};                                       ///< the record being looked at
  const std::function<void(const Sample&)>* take = nullptr;  ///< set during drain()

  ~State() {
    drop_links();
    if (rings != nullptr) perf_buffer__free(rings);
    sample_bpf__destroy(skeleton);
  }
  void drop_links() {
    for (bpf_link* link : links) bpf_link__destroy(link);
    links.clear();
  }
  Status load();
  Status make_rings();
  Status attach(uint32_t hz);
  static bpf_perf_event_ret on_record(void* self, int cpu, perf_event_header* header);
};

bpf_perf_event_ret BpfSampler::State::on_record(void* self, int, perf_event_header* header) {
  auto* state = static_cast<State*>(self);
  // Lost records only repeat what the program counted as failed.
  if (header->type != PERF_RECORD_SAMPLE || state->take == nullptr) return LIBBPF_PERF_EVENT_CONT;
  Sample sample;
  if (parse_record(header, state->current, sample))
    (*state->take)(sample);
  else
    ++state->bad_records;
  return LIBBPF_PERF_EVENT_CONT;
}

Status BpfSampler::State::load() {
  libbpf_set_print(keep_message);
  skeleton = sample_bpf__open();
  if (skeleton == nullptr) return fail(system_error(errno, "opening the eBPF program"));
  skeleton->rodata->pid_namespace_inode = own_pid_namespace();
  if (sample_bpf__load(skeleton) == 0) return {};
  int error = errno;
  std::string text = "loading the eBPF program: " + libbpf_message();
  Error failure = system_error(error, text);
  if (error == EPERM) return fail(std::move(failure).hinted("needs CAP_BPF and CAP_PERFMON"));
  if (error == EINVAL)
    return fail(std::move(failure).hinted("under lockdown=confidentiality the kernel refuses to read user stacks"));
  return fail(failure);
}

Status BpfSampler::State::make_rings() {
  perf_event_attr attr{};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_BPF_OUTPUT;
  attr.sample_type = PERF_SAMPLE_RAW;
  attr.sample_period = 1;
  // The owner looks several times a second anyway. Waking it at samples would make it run in step with the timers,
  // and so be seen far more often than it runs.
  attr.watermark = 1;
  attr.wakeup_watermark = kRingPages * 4096 / 2;
  rings = perf_buffer__new_raw(bpf_map__fd(skeleton->maps.samples), kRingPages, &attr, on_record, this, nullptr);
  if (rings == nullptr) {
    Error failure = system_error(errno, "making the rings: " + libbpf_message());
    return fail(std::move(failure).hinted("needs CAP_PERFMON; RLIMIT_MEMLOCK may be too small"));
  }
  return {};
}

Status BpfSampler::State::attach(uint32_t hz) {
  WF_ASSIGN(std::string online, read_file("/sys/devices/system/cpu/online", 4096));
  for (int cpu : parse_cpu_list(online)) {
    WF_ASSIGN(Fd timer, open_timer(cpu, hz));
    bpf_link* link = bpf_program__attach_perf_event(skeleton->progs.watchfire_sample, timer.get());
    if (link == nullptr) return fail(system_error(errno, "attaching to a timer: " + libbpf_message()));
    timer.release();  // the link closes it
    links.push_back(link);
  }
  cpus = static_cast<uint32_t>(links.size());
  if (links.empty()) return fail(ErrorCode::kUnsupported, "no CPU is online, says /sys/devices/system/cpu/online");
  return {};
}

Result<BpfSampler> BpfSampler::create(uint32_t hz, bool force) {
  utsname kernel{};
  ::uname(&kernel);
  if (!force && is_dangerous_kernel(kernel.release))
    return fail(Error(ErrorCode::kUnsupported,
                      "Linux " + std::string(kernel.release) + " can freeze when stacks are read from a timer")
                    .hinted("use a kernel with the fix (6.1.36, 6.3.10, 6.4 or newer), or --force"));
  if (::access("/sys/kernel/btf/vmlinux", R_OK) != 0) return fail(ErrorCode::kUnsupported, missing_rights());
  auto state = std::make_unique<State>();
  auto ready = [&]() -> Status {
    WF_TRY(state->load());
    WF_TRY(state->make_rings());
    return state->attach(hz);
  }();
  if (ready) return BpfSampler(std::move(state));
  if (ready.error().code == ErrorCode::kPermissionDenied)
    if (auto missing = missing_rights(); !missing.empty())
      return fail(Error(ErrorCode::kPermissionDenied, missing)
                      .hinted("the systemd unit and watchfire-launch (as root) give the six capabilities it needs"));
  return fail(std::move(ready).error());
}

BpfSampler::BpfSampler(std::unique_ptr<State> state) : state_(std::move(state)) {}
BpfSampler::BpfSampler(BpfSampler&&) noexcept = default;
BpfSampler& BpfSampler::operator=(BpfSampler&&) noexcept = default;
BpfSampler::~BpfSampler() = default;

int BpfSampler::poll_fd() const {
  return perf_buffer__epoll_fd(state_->rings);
}

uint64_t BpfSampler::drain(const std::function<void(const Sample&)>& take) {
  uint64_t before = state_->bad_records;
  state_->take = &take;
  perf_buffer__poll(state_->rings, 0);  // takes the wake-up back
  perf_buffer__consume(state_->rings);
  state_->take = nullptr;
  return state_->bad_records - before;
}

wf_counts BpfSampler::totals() const {
  int possible = libbpf_num_possible_cpus();
  std::vector<wf_counts> values(possible > 0 ? static_cast<size_t>(possible) : 0);
  uint32_t key = 0;
  wf_counts sum{};
  if (values.empty() || bpf_map_lookup_elem(bpf_map__fd(state_->skeleton->maps.counts), &key, values.data()) != 0)
    return sum;
  for (const auto& v : values) {
    sum.fired += v.fired;
    sum.idle += v.idle;
    sum.output += v.output;
    sum.failed += v.failed;
  }
  return sum;
}

void BpfSampler::detach() {
  state_->drop_links();
}

uint32_t BpfSampler::cpus() const {
  return state_->cpus;
}

}  // namespace watchfire::collectors::ebpf
