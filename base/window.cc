#include "base/window.h"

#include "base/bytes.h"

namespace watchfire {
namespace {

// Limits of one window as received. A window of 10 s at 999 Hz on 64 CPUs has 640,000 samples.
constexpr uint32_t kMaxProcesses = 1u << 17;
constexpr uint32_t kMaxFiles = 1u << 16;
constexpr uint32_t kMaxNames = 1u << 18;
constexpr uint32_t kMaxFrames = 1u << 21;
constexpr uint32_t kMaxStacks = 1u << 20;
constexpr uint32_t kMaxStackFrames = 1u << 24;
constexpr uint32_t kMaxSamples = 1u << 20;
constexpr uint32_t kMaxReasons = 64;
constexpr uint32_t kMaxDepth = 512;
constexpr size_t kMaxShortText = 256;
constexpr size_t kMaxPath = 4096;

/// A count of elements of at least `element_bytes` each: over its limit, or more than the rest could hold, fails.
uint32_t read_count(ByteReader& r, uint32_t limit, size_t element_bytes) {
  auto n = r.read<uint32_t>();
  if (n > limit || n > r.remaining() / element_bytes) {
    r.set_failed();
    return 0;
  }
  return n;
}

template <typename T>
void write_array(ByteWriter& w, const std::vector<T>& values) {
  w.write(static_cast<uint32_t>(values.size()));
  w.write_bytes(std::as_bytes(std::span(values)));
}

template <typename T>
std::vector<T> read_array(ByteReader& r, uint32_t limit) {
  auto n = read_count(r, limit, sizeof(T));
  auto bytes = r.take(n * sizeof(T));
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::string read_text(ByteReader& r, size_t limit) {
  return std::string(r.read_string(limit));
}

void write_process(ByteWriter& w, const WindowProcess& p) {
  w.write(p.pid);
  w.write(p.exec_id);
  w.write(p.start_boot_ns);
  w.write(p.pid_namespace);
  w.write(p.kernel_thread);
  w.write(p.executable);
  for (const auto* text : {&p.comm, &p.exe, &p.cgroup, &p.unit, &p.container_id, &p.pod_uid}) w.write_string(*text);
}

WindowProcess read_process(ByteReader& r) {
  WindowProcess p;
  p.pid = r.read<uint32_t>();
  p.exec_id = r.read<uint32_t>();
  p.start_boot_ns = r.read<int64_t>();
  p.pid_namespace = r.read<uint64_t>();
  p.kernel_thread = r.read<uint32_t>();
  p.executable = r.read<uint32_t>();
  p.comm = read_text(r, kMaxShortText);
  p.exe = read_text(r, kMaxShortText);
  p.cgroup = read_text(r, kMaxPath);
  p.unit = read_text(r, kMaxShortText);
  p.container_id = read_text(r, kMaxShortText);
  p.pod_uid = read_text(r, kMaxShortText);
  return p;
}
constexpr size_t kLeastProcess = 4 * 4 + 2 * 8 + 6 * 4;

void write_file(ByteWriter& w, const WindowFile& f) {
  w.write(static_cast<uint32_t>(f.kind));
  w.write(f.deleted);
  for (const auto* text : {&f.id, &f.path, &f.build_id}) w.write_string(*text);
}

WindowFile read_file(ByteReader& r) {
  WindowFile f;
  auto kind = r.read<uint32_t>();
  if (kind > static_cast<uint32_t>(WindowFileKind::kUnknown)) r.set_failed();
  f.kind = static_cast<WindowFileKind>(kind);
  f.deleted = r.read<uint32_t>();
  f.id = read_text(r, kMaxShortText);
  f.path = read_text(r, kMaxPath);
  f.build_id = read_text(r, kMaxShortText);
  return f;
}
constexpr size_t kLeastFile = 2 * 4 + 3 * 4;

bool is_index(uint32_t index, size_t size) {
  return index < size;
}
bool is_index_or_none(uint32_t index, size_t size) {
  return index == kNoIndex || index < size;
}

/// Times that may be added without overflow.
bool is_time(int64_t ns) {
  return ns >= -INT64_MAX / 2 && ns <= INT64_MAX / 2;
}

std::string_view first_fault(const RawWindow& w) {
  if (w.start_ns < 0 || w.end_ns < w.start_ns || !is_time(w.end_ns) || !is_time(w.boot_to_unix_ns)) return "its times";
  for (const auto& p : w.processes) {
    if (!is_index_or_none(p.executable, w.files.size())) return "a process's executable";
    if (!is_time(p.start_boot_ns)) return "a process's start";
  }
  for (const auto& f : w.frames)
    if (!is_index(f.file, w.files.size()) || !is_index_or_none(f.name, w.names.size())) return "a frame";
  uint32_t from = 0;
  for (uint32_t end : w.stack_ends) {
    if (end < from || end > w.stack_frames.size() || end - from > kMaxDepth) return "a stack's length";
    from = end;
  }
  if (from != w.stack_frames.size()) return "frames of no stack";
  for (uint32_t frame : w.stack_frames)
    if (!is_index(frame, w.frames.size())) return "a stack's frame";
  uint64_t count = 0;
  int64_t weight = 0;
  for (const auto& s : w.samples) {
    if (!is_index(s.process, w.processes.size()) || !is_index(s.stack, w.stack_ends.size()) ||
        !is_index_or_none(s.thread_name, w.names.size()) || s.end > StackEnd::kUnsupportedCode || s.weight_ns < 0)
      return "a sample";
    count += s.count;
    if (__builtin_add_overflow(weight, s.weight_ns, &weight)) return "the samples' weight";
  }
  if (count > w.expected_samples) return "more samples than expected";
  return {};
}

}  // namespace

std::string_view stack_end_name(StackEnd end) {
  switch (end) {
    case StackEnd::kNoUserStack:
      return "no_user_stack";
    case StackEnd::kEndOfChain:
      return "end_of_chain";
    case StackEnd::kBadFramePointer:
      return "bad_frame_pointer";
    case StackEnd::kFault:
      return "fault";
    case StackEnd::kDepth:
      return "depth";
    case StackEnd::kUnsupportedCode:
      return "unsupported_code";
  }
  return "unknown";
}

uint64_t RawWindow::stored_samples() const {
  uint64_t n = 0;
  for (const auto& s : samples) n += s.count;
  return n;
}

std::string_view known_loss_reason(std::string_view reason) {
  for (std::string_view known : {"bad_record", "ring_full", "ring_lost", "timer_late", "window_full"})
    if (reason == known) return known;
  return "other";
}

uint64_t RawWindow::lost_samples() const {
  uint64_t n = 0;
  for (const auto& [reason, count] : lost) n += count;
  return n;
}

std::vector<std::byte> encode_window(const RawWindow& window) {
  ByteWriter w;
  for (uint64_t v : {window.session, window.sequence}) w.write(v);
  for (int64_t v : {window.start_ns, window.end_ns, window.boot_to_unix_ns, window.period_ns}) w.write(v);
  w.write(window.sample_hz);
  w.write(window.cpus);
  w.write(window.expected_samples);
  w.write(window.idle_samples);
  w.write(static_cast<uint32_t>(window.lost.size()));
  for (const auto& [reason, n] : window.lost) {
    w.write_string(reason);
    w.write(n);
  }
  w.write(static_cast<uint32_t>(window.processes.size()));
  for (const auto& p : window.processes) write_process(w, p);
  w.write(static_cast<uint32_t>(window.files.size()));
  for (const auto& f : window.files) write_file(w, f);
  w.write(static_cast<uint32_t>(window.names.size()));
  for (const auto& name : window.names) w.write_string(name);
  write_array(w, window.frames);
  write_array(w, window.stack_frames);
  write_array(w, window.stack_ends);
  write_array(w, window.samples);
  return w.release();
}

Result<RawWindow> decode_window(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  RawWindow w;
  w.session = r.read<uint64_t>();
  w.sequence = r.read<uint64_t>();
  w.start_ns = r.read<int64_t>();
  w.end_ns = r.read<int64_t>();
  w.boot_to_unix_ns = r.read<int64_t>();
  w.period_ns = r.read<int64_t>();
  w.sample_hz = r.read<uint32_t>();
  w.cpus = r.read<uint32_t>();
  w.expected_samples = r.read<uint64_t>();
  w.idle_samples = r.read<uint64_t>();
  for (uint32_t n = read_count(r, kMaxReasons, 12); n > 0 && r.ok(); --n) {
    auto reason = read_text(r, kMaxShortText);
    w.lost[std::move(reason)] = r.read<uint64_t>();
  }
  for (uint32_t n = read_count(r, kMaxProcesses, kLeastProcess); n > 0 && r.ok(); --n)
    w.processes.push_back(read_process(r));
  for (uint32_t n = read_count(r, kMaxFiles, kLeastFile); n > 0 && r.ok(); --n) w.files.push_back(read_file(r));
  for (uint32_t n = read_count(r, kMaxNames, 4); n > 0 && r.ok(); --n) w.names.push_back(read_text(r, kMaxShortText));
  w.frames = read_array<WindowFrame>(r, kMaxFrames);
  w.stack_frames = read_array<uint32_t>(r, kMaxStackFrames);
  w.stack_ends = read_array<uint32_t>(r, kMaxStacks);
  w.samples = read_array<WindowSample>(r, kMaxSamples);
  if (!r.ok() || r.remaining() != 0) return fail(ErrorCode::kCorrupt, "a window that does not follow its format");
  if (auto fault = first_fault(w); !fault.empty())
    return fail(ErrorCode::kCorrupt, "a window with a fault in " + std::string(fault));
  return w;
}

std::vector<std::byte> encode_window_ack(const WindowAck& ack) {
  ByteWriter w;
  w.write(ack.session);
  w.write(ack.sequence);
  return w.release();
}

Result<WindowAck> decode_window_ack(std::span<const std::byte> bytes) {
  ByteReader r(bytes);
  WindowAck ack;
  ack.session = r.read<uint64_t>();
  ack.sequence = r.read<uint64_t>();
  if (!r.ok() || r.remaining() != 0)
    return fail(ErrorCode::kCorrupt, "an acknowledgement that does not follow its format");
  return ack;
}

}  // namespace watchfire
