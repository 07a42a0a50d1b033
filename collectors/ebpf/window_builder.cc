#include "collectors/ebpf/window_builder.h"

#include <array>
#include <map>
#include <utility>

namespace watchfire::collectors::ebpf {
namespace {

constexpr size_t kMaxThreadName = 64;
constexpr size_t kMaxFrameName = 255;

}  // namespace

uint32_t WindowBuilder::file_index(const FileRef& file) {
  auto [it, fresh] = file_indices_.try_emplace(file.get(), static_cast<uint32_t>(files_.size()));
  if (fresh) files_.push_back(file);
  return it->second;
}

uint32_t WindowBuilder::process_index(const ProcessRef& process) {
  auto [it, fresh] = process_indices_.try_emplace(process.get(), static_cast<uint32_t>(processes_.size()));
  if (fresh) processes_.push_back(process);
  return it->second;
}

void WindowBuilder::lose(std::string_view reason, uint64_t n) {
  if (n == 0) return;
  auto it = lost_.find(reason);
  if (it == lost_.end()) it = lost_.emplace(reason, 0).first;
  it->second += n;
}

uint64_t WindowBuilder::lost() const {
  uint64_t n = 0;
  for (const auto& [reason, count] : lost_) n += count;
  return n;
}

size_t WindowBuilder::memory_bytes() const {
  return names_.memory_bytes() + frames_.memory_bytes() + stacks_.memory_bytes() + samples_.memory_bytes() +
         totals_.capacity() * sizeof(Totals) + files_.size() * 64 + processes_.size() * 64;
}

void WindowBuilder::add(const Sample& sample) {
  if (memory_bytes() > max_bytes_) return lose("window_full", 1);
  std::vector<uint32_t> stack;
  stack.reserve(sample.frames.size());
  for (const RawFrame& frame : sample.frames) {
    uint32_t name = names_.intern(frame.name.substr(0, kMaxFrameName));
    std::array<uint64_t, 3> key{file_index(frame.file), frame.offset, name};
    stack.push_back(frames_.intern(key));
  }
  std::array<uint32_t, 5> key{process_index(sample.process), sample.tid,
                              names_.intern(sample.thread_name.substr(0, kMaxThreadName)), stacks_.intern(stack),
                              static_cast<uint32_t>(sample.end)};
  uint32_t id = samples_.intern(key);
  if (id > totals_.size()) totals_.emplace_back();
  totals_[id - 1].count += 1;
  totals_[id - 1].weight_ns += sample.weight_ns;
  ++stored_;
}

bool WindowBuilder::waits_for_facts(DurationNs now, DurationNs patience) const {
  for (const auto& file : files_)
    if (file->state == MappedFile::Facts::kAsked && now - file->asked_at < patience) return true;
  return false;
}

namespace {

/// What a thread ran in the window is known exactly; where in it its samples fell is chance, so each stands for an
/// equal part. The time since the sample before would not do: it is short right after a thread woke up and long later
/// on, and so takes from what runs first and gives to what runs next.
void share_out_weights(RawWindow& w) {
  struct Left {
    int64_t weight_ns = 0;
    uint64_t count = 0;
  };
  std::map<std::pair<uint32_t, uint32_t>, Left> threads;
  for (const WindowSample& s : w.samples) {
    Left& t = threads[{s.process, s.tid}];
    t.weight_ns += s.weight_ns;
    t.count += s.count;
  }
  for (WindowSample& s : w.samples) {
    Left& t = threads[{s.process, s.tid}];
    s.weight_ns = static_cast<int64_t>(static_cast<__int128>(t.weight_ns) * s.count / t.count);
    t.weight_ns -= s.weight_ns;
    t.count -= s.count;
  }
}

}  // namespace

RawWindow WindowBuilder::finish() const {
  RawWindow w;
  w.lost = lost_;
  for (const auto& file : files_) {
    bool raw =
        file->kind == WindowFileKind::kElf && (file->state != MappedFile::Facts::kKnown || file->facts.is_elf == 0);
    w.files.push_back({.id = file_id(*file),
                       .path = file->path,
                       .build_id = raw ? std::string() : file->facts.build_id,
                       .kind = raw ? WindowFileKind::kRawFile : file->kind,
                       .deleted = file->deleted ? 1u : 0u});
  }
  for (const auto& process : processes_) {
    w.processes.push_back(process->info);
    auto it = file_indices_.find(process->executable.get());
    w.processes.back().executable = it == file_indices_.end() ? kNoIndex : it->second;
  }
  for (uint32_t id = 0; id < names_.size(); ++id) w.names.emplace_back(names_.text(id));
  for (uint32_t id = 1; id < frames_.size(); ++id) {
    auto key = frames_[id];
    auto file = static_cast<uint32_t>(key[0]);
    uint32_t name = key[2] == 0 ? kNoIndex : static_cast<uint32_t>(key[2]);
    w.frames.push_back({file_address(*files_[file], key[1]), file, name});
  }
  for (uint32_t id = 0; id < stacks_.size(); ++id) {
    for (uint32_t frame : stacks_[id]) w.stack_frames.push_back(frame - 1);
    w.stack_ends.push_back(static_cast<uint32_t>(w.stack_frames.size()));
  }
  for (uint32_t id = 1; id < samples_.size(); ++id) {
    auto key = samples_[id];
    const Totals& t = totals_[id - 1];
    w.samples.push_back({.process = key[0],
                         .tid = key[1],
                         .thread_name = key[2] == 0 ? kNoIndex : key[2],
                         .stack = key[3],
                         .count = t.count,
                         .end = static_cast<StackEnd>(key[4]),
                         .weight_ns = t.weight_ns});
  }
  share_out_weights(w);
  return w;
}

}  // namespace watchfire::collectors::ebpf
