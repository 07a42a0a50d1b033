#include "converters/perfdata/decode.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/counters.h"
#include "converters/perfdata/address_space.h"
#include "converters/perfdata/container.h"
#include "converters/perfdata/process_profile.h"
#include "converters/perfdata/sample.h"

namespace watchfire::converters {
namespace {

using perf::AddressSpaces;
using perf::Container;
using perf::Event;
using perf::ProcessProfile;
using perf::Record;

constexpr size_t kMaxProcesses = 20'000;
constexpr uint32_t kKernelPid = 0xffffffff;
constexpr uint64_t kHighHalf = uint64_t{1} << 63;
constexpr uint64_t kPageMask = ~uint64_t{0xfff};

/// Plays a recording: keeps address spaces as its records tell, and hands samples to profiles.
class Player {
 public:
  Player(Container& container, const PerfDataOptions& options, const DecodeLimits& limits, PerfDataStats& stats,
         bool by_process)
      : container_(container),
        options_(options),
        limits_(limits),
        stats_(stats),
        spaces_(limits),
        by_process_(by_process) {
    for (uint32_t i = 0; i < container.events.size(); ++i) {
      for (uint64_t id : container.events[i].ids) event_of_id_.emplace(id, i);
    }
  }

  Status run() {
    for (const Timed& t : in_order()) WF_TRY(play(container_.records[t.record], t.time_ns));
    return {};
  }

  std::map<uint32_t, ProcessProfile>& profiles() { return profiles_; }
  const AddressSpaces& spaces() const { return spaces_; }
  /// The profile of a process, or of all: made when it is first asked for.
  Result<ProcessProfile*> profile_of(uint32_t pid) {
    auto [it, added] = profiles_.try_emplace(by_process_ ? pid : 0, limits_, options_, stats_);
    if (added) {
      if (profiles_.size() > kMaxProcesses) {
        return fail(Error(ErrorCode::kResourceExhausted,
                          "perf.data: more than " + std::to_string(kMaxProcesses) + " processes to tell apart")
                        .hinted("read it as one profile, or one process of it"));
      }
      WF_TRY(it->second.begin(container_));
    }
    return &it->second;
  }

 private:
  struct Timed {
    uint64_t time_ns = 0;
    size_t record = 0;
  };

  // Records of one CPU stand in order, those of several do not. One without a time keeps its place after the one
  // before it; what perf tells of processes that ran already has time 0 and comes first.
  std::vector<Timed> in_order() {
    std::vector<Timed> order(container_.records.size());
    uint64_t last = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      const Record& r = container_.records[i];
      uint64_t time = 0;
      bool has_time = false;
      if (r.type == perf::kSample) {
        const Event* e = event_of(r.payload);
        has_time = e != nullptr && read_sample(*e, r.payload, sample_) && sample_.has_time;
        time = sample_.time_ns;
      } else {
        has_time = read_trailing_time(container_.events[0], r.payload, time);
      }
      if (has_time) last = time;
      order[i] = {last, i};
    }
    std::ranges::sort(order, {}, [](const Timed& t) { return std::pair(t.time_ns, t.record); });
    return order;
  }

  const Event* event_of(std::string_view sample) const {
    const Event& first = container_.events[0];
    uint64_t id = 0;
    if (container_.events.size() == 1 || !read_sample_id(first, sample, id) || id == 0) return &first;
    auto it = event_of_id_.find(id);
    return it == event_of_id_.end() ? nullptr : &container_.events[it->second];
  }

  Status play(const Record& record, uint64_t time_ns) {
    ByteReader r(record.payload);
    switch (record.type) {
      case perf::kMmap:
      case perf::kMmap2:
        return map(record);
      case perf::kComm: {
        auto pid = r.read<uint32_t>();
        auto tid = r.read<uint32_t>();
        if (!r.ok()) return {};
        spaces_.set_name(pid, tid, perf::until_nul(record.payload.substr(8)), (record.misc & perf::kMiscExec) != 0);
        return {};
      }
      case perf::kFork: {
        auto pid = r.read<uint32_t>();
        auto parent = r.read<uint32_t>();
        auto tid = r.read<uint32_t>();
        auto parent_tid = r.read<uint32_t>();
        return r.ok() ? spaces_.fork(pid, parent, tid, parent_tid) : Status{};
      }
      case perf::kLost:
        r.read<uint64_t>();
        [[fallthrough]];
      case perf::kLostSamples:
        stats_.lost += r.read<uint64_t>();
        return {};
      case perf::kKsymbol:
        return map_kernel_symbol(record);
      case perf::kSample:
        return add_sample(record, time_ns);
      default:
        return {};
    }
  }

  Status map(const Record& record) {
    ByteReader r(record.payload);
    auto pid = r.read<uint32_t>();
    r.read<uint32_t>();
    perf::MappedFile m;
    m.start = r.read<uint64_t>();
    auto size = r.read<uint64_t>();
    m.file_offset = r.read<uint64_t>();
    m.limit = m.start + size < m.start ? UINT64_MAX : m.start + size;
    if (record.type == perf::kMmap2) {
      std::string_view identity = as_text(r.take(24));
      r.read<uint64_t>();  // protection and flags
      if ((record.misc & perf::kMiscBuildId) != 0 && r.ok()) {
        m.build_id = to_hex(as_bytes(identity.substr(4, std::min<size_t>(static_cast<uint8_t>(identity[0]), 20))));
      }
    }
    if (!r.ok()) return {};
    m.file = perf::until_nul(record.payload.substr(r.position()));
    m.is_kernel = pid == kKernelPid;
    if (m.is_kernel && m.start <= kHighHalf && m.file_offset > kHighHalf) {
      m.start = m.file_offset & kPageMask;
      if (m.limit <= m.start) m.limit = m.start + size < m.start ? UINT64_MAX : m.start + size;
    }
    if (m.build_id.empty()) m.build_id = known_build_id(m.file);
    return spaces_.map(pid, std::move(m));
  }

  std::string known_build_id(std::string_view file) const {
    constexpr std::string_view kKernel = "[kernel.kallsyms]";
    auto it = container_.build_ids.find(file);
    if (it == container_.build_ids.end() && file.starts_with(kKernel)) it = container_.build_ids.find(kKernel);
    return it == container_.build_ids.end() ? "" : it->second;
  }

  Status map_kernel_symbol(const Record& record) {
    constexpr uint16_t kUnregistered = 1;
    ByteReader r(record.payload);
    perf::MappedFile m{.is_kernel = true};
    m.start = r.read<uint64_t>();
    m.limit = m.start + r.read<uint32_t>();
    r.read<uint16_t>();
    auto flags = r.read<uint16_t>();
    if (!r.ok()) return {};
    m.symbol = m.file = perf::until_nul(record.payload.substr(r.position()));
    if ((flags & kUnregistered) != 0) {
      spaces_.unmap_kernel(m.start);
      return {};
    }
    return spaces_.map(kKernelPid, std::move(m));
  }

  Status add_sample(const Record& record, uint64_t time_ns) {
    const Event* e = event_of(record.payload);
    if (e == nullptr) {
      ++stats_.unknown_event;
      return {};
    }
    if (!read_sample(*e, record.payload, sample_)) {
      ++stats_.broken_samples;
      return {};
    }
    if (options_.pid && *options_.pid != sample_.pid) {
      ++stats_.other_processes;
      return {};
    }
    WF_ASSIGN(ProcessProfile * profile, profile_of(sample_.pid));
    auto event = static_cast<uint32_t>(e - container_.events.data());
    WF_TRY(profile->add(spaces_, *e, event, sample_, record.misc, time_ns));
    ++stats_.samples;
    rows_ += profile->take_new_rows();
    if (rows_ > limits_.samples) return fail(limit_exceeded("samples", limits_.samples, "samples"));
    return {};
  }

  Container& container_;
  const PerfDataOptions& options_;
  const DecodeLimits& limits_;
  PerfDataStats& stats_;
  AddressSpaces spaces_;
  bool by_process_;
  std::unordered_map<uint64_t, uint32_t> event_of_id_;
  std::map<uint32_t, ProcessProfile> profiles_;
  perf::Sample sample_;
  uint64_t rows_ = 0;
};

std::vector<std::string> remarks(const PerfDataStats& s) {
  std::vector<std::string> out;
  auto add = [&](uint64_t n, std::string_view what) {
    if (n != 0) out.push_back("perf-data: " + std::to_string(n) + " " + std::string(what));
  };
  add(s.lost, "samples lost while recording");
  add(s.unknown_event, "samples of an event that the file does not describe, left out");
  add(s.broken_samples, "samples shorter than their event says, left out");
  add(s.stack_dumps, "samples with a copied user stack, not unwound");
  add(s.group_counts, "samples that counted a group of events (:S), of which only the leader is here");
  add(s.unmapped_frames, "frames in no known mapping, left out");
  std::string skipped;
  for (const auto& [name, n] : s.skipped) skipped += " " + name + "=" + std::to_string(n);
  if (!skipped.empty()) out.push_back("perf-data: records not used:" + skipped);
  if (s.is_unfinished) out.push_back("perf-data: the recording was not finished");
  if (s.is_cut) out.push_back("perf-data: the file is cut or broken; this is what comes before");
  return out;
}

void count_losses(const PerfDataStats& s) {
  if (s.unknown_event != 0) count_lost("perf_data_samples", "unknown_event", s.unknown_event);
  if (s.broken_samples != 0) count_lost("perf_data_samples", "broken", s.broken_samples);
  if (s.lost != 0) count_lost("perf_data_samples", "lost_while_recording", s.lost);
}

Result<std::vector<PerfProcess>> decode(std::string_view bytes, const PerfDataOptions& options,
                                        const DecodeLimits& limits, PerfDataStats* wanted_stats, bool by_process) {
  PerfDataStats own;
  PerfDataStats& stats = wanted_stats != nullptr ? *wanted_stats : own;
  stats = {};
  if (bytes.size() > limits.decompressed_bytes) {
    return fail(limit_exceeded("decompressed_bytes", limits.decompressed_bytes, "bytes"));
  }
  WF_ASSIGN(Container container, Container::read(bytes, limits, stats));
  Player player(container, options, limits, stats, by_process);
  WF_TRY(player.run());
  count_losses(stats);
  if (stats.is_cut && stats.samples == 0) return fail(ErrorCode::kCorrupt, "perf.data: cut before its first sample");
  if (!by_process) WF_TRY(player.profile_of(0));
  std::vector<PerfProcess> out;
  for (auto& [pid, profile] : player.profiles()) {
    for (const std::string& text : remarks(stats)) WF_TRY(profile.comment(text));
    out.push_back({pid, std::string(player.spaces().name(pid, pid)), profile.finish(container)});
  }
  return out;
}

}  // namespace

bool is_perf_data(std::string_view bytes) {
  return bytes.starts_with("PERFILE2") || bytes.starts_with("2ELIFREP");
}

Result<profile::Profile> decode_perf_data(std::string_view bytes, const PerfDataOptions& options,
                                          const DecodeLimits& limits, PerfDataStats* stats) {
  WF_ASSIGN(std::vector<PerfProcess> all, decode(bytes, options, limits, stats, false));
  return std::move(all[0].profile);
}

Result<std::vector<PerfProcess>> decode_perf_processes(std::string_view bytes, const PerfDataOptions& options,
                                                       const DecodeLimits& limits, PerfDataStats* stats) {
  return decode(bytes, options, limits, stats, true);
}

}  // namespace watchfire::converters
