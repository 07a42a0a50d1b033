#include "converters/perfdata/process_profile.h"

#include <algorithm>

#include "converters/perfdata/runtime_code.h"

namespace watchfire::converters::perf {
namespace {

constexpr std::string_view kKernelFile = "[kernel.kallsyms]";

/// Whether the sample's own address belongs to a guest or hypervisor, of whose files nothing is known.
bool is_of_this_system(uint16_t misc) {
  return (misc & kCpumodeMask) <= kCpumodeUser;
}

/// The default type is the last, but an event that never came says nothing: perf itself adds such a one, "dummy".
void choose_default_type(profile::Profile& p) {
  auto is_empty = [](const std::vector<int64_t>& column) {
    return std::ranges::all_of(column, [](int64_t v) { return v == 0; });
  };
  size_t last = p.sample_types.size();
  while (last > 0 && is_empty(p.values[last - 1])) --last;
  if (last > 0 && last < p.sample_types.size()) p.default_sample_type = p.sample_types[last - 1].type;
}

}  // namespace

Status ProcessProfile::begin(const Container& container) {
  for (size_t i = 0; i < container.events.size(); ++i) {
    std::string name = container.events[i].name;
    if (name.empty()) name = "event_" + std::to_string(i);
    WF_TRY(builder_.add_sample_type(name + "_sample", "count"));
    WF_TRY(builder_.add_sample_type(name + "_event", "count"));
  }
  for (auto [name, text] : {std::pair<std::string_view, const std::string&>{"perf-version:", container.perf_version},
                            {"perf-command:", container.command},
                            {"perf-hostname:", container.hostname}}) {
    if (!text.empty()) WF_TRY(builder_.comment(std::string(name) + text));
  }
  return {};
}

Status ProcessProfile::add(const AddressSpaces& spaces, const Event& e, uint32_t event, const Sample& s, uint16_t misc,
                           uint64_t time_ns) {
  stats_.stack_dumps += s.has_stack_dump;
  stats_.group_counts += s.has_group_counts;
  if (uint32_t program = spaces.program(s.pid); program != AddressSpaces::kNoFile) {
    WF_TRY(mapping(spaces, program));
  }
  WF_TRY(build_stack(spaces, s, misc));
  WF_TRY(build_labels(spaces, s));
  WF_ASSIGN(uint32_t row, builder_.sample(stack_, labels_));
  uint64_t weight = s.has_period ? s.period : e.period != 0 ? e.period : 1;
  builder_.add(row, event * 2, 1);
  builder_.add(row, event * 2 + 1, static_cast<int64_t>(std::min<uint64_t>(weight, INT64_MAX)));
  if (!s.has_time) return {};
  first_ns_ = has_time_ ? std::min(first_ns_, time_ns) : time_ns;
  last_ns_ = std::max(last_ns_, time_ns);
  has_time_ = true;
  return {};
}

uint64_t ProcessProfile::take_new_rows() {
  uint64_t rows = builder_.profile().sample_count();
  return rows - std::exchange(rows_told_, rows);
}

Status ProcessProfile::build_stack(const AddressSpaces& spaces, const Sample& s, uint16_t misc) {
  stack_.clear();
  if (is_of_this_system(misc)) WF_TRY(add_frame(spaces, s.pid, s.ip, false));
  bool has_user_chain = std::ranges::find(s.callchain, kUserMarker) != s.callchain.end();
  WF_TRY(add_callchain(spaces, s));
  return s.branches.empty() || has_user_chain ? Status{} : add_branches(spaces, s);
}

// The first address of a chain is the sample's own again. Those of a guest are another system's; what follows the mark
// of a user stack that comes later is no address.
Status ProcessProfile::add_callchain(const AddressSpaces& spaces, const Sample& s) {
  bool skipped_own = false;
  for (uint64_t address : s.callchain) {
    if (address >= kFirstMarker) {
      if (address <= kGuestMarker || address == kDeferredMarker) break;
      continue;
    }
    if (!std::exchange(skipped_own, true)) continue;
    WF_TRY(add_frame(spaces, s.pid, address, true));
  }
  return {};
}

Status ProcessProfile::add_branches(const AddressSpaces& spaces, const Sample& s) {
  for (uint64_t from : s.branches) WF_TRY(add_frame(spaces, s.pid, from, false));
  return {};
}

// Some runtimes list what they map from a file, too; the file's own names are those of all its users.
std::string_view ProcessProfile::runtime_name(const AddressSpaces& spaces, uint32_t file, uint32_t pid,
                                              uint64_t address) const {
  if (options_.symbols == nullptr) return {};
  if (file != AddressSpaces::kNoFile && !is_of_no_file(spaces.files()[file].file)) return {};
  return options_.symbols->find(pid, address);
}

Status ProcessProfile::add_frame(const AddressSpaces& spaces, uint32_t pid, uint64_t address, bool is_return) {
  uint32_t file = spaces.find(pid, address);
  std::string_view name = runtime_name(spaces, file, pid, is_return ? address - 1 : address);
  bool is_before_file = is_return && file != AddressSpaces::kNoFile && address <= spaces.files()[file].start;
  if (is_before_file || (file == AddressSpaces::kNoFile && name.empty())) {
    ++stats_.unmapped_frames;
    return {};
  }
  if (is_return) --address;
  uint32_t at = profile::kNone;
  if (file != AddressSpaces::kNoFile) {
    WF_ASSIGN(at, mapping(spaces, file));
    if (name.empty()) name = spaces.files()[file].symbol;
  }
  if (stack_.size() >= limits_.stack_depth) {
    return fail(limit_exceeded("stack_depth", limits_.stack_depth, "frames in one stack"));
  }
  profile::Line line;
  if (!name.empty()) {
    WF_ASSIGN(line.function, builder_.function(name));
  }
  WF_ASSIGN(uint32_t location, builder_.location(at, address, {&line, name.empty() ? size_t{0} : size_t{1}}));
  stack_.push_back(location);
  return {};
}

Result<uint32_t> ProcessProfile::mapping(const AddressSpaces& spaces, uint32_t file) {
  if (auto it = mapping_of_file_.find(file); it != mapping_of_file_.end()) return it->second;
  const MappedFile& f = spaces.files()[file];
  profile::Mapping m{.start = f.start, .limit = f.limit, .file_offset = f.file_offset};
  std::string_view name = f.file;
  if (name.starts_with(kKernelFile) && name.size() > kKernelFile.size()) {
    WF_ASSIGN(m.kernel_relocation_symbol, builder_.text(name.substr(kKernelFile.size())));
  }
  WF_ASSIGN(m.file, builder_.text(name));
  WF_ASSIGN(m.build_id, builder_.text(f.build_id));
  WF_ASSIGN(uint32_t index, builder_.mapping(m));
  mapping_of_file_.emplace(file, index);
  return index;
}

Status ProcessProfile::build_labels(const AddressSpaces& spaces, const Sample& s) {
  labels_.clear();
  if (!options_.process_labels) return {};
  profile::Label comm;
  WF_ASSIGN(comm.key, builder_.text("comm"));
  WF_ASSIGN(comm.str, builder_.text(spaces.name(s.pid, s.tid)));
  if (comm.str != 0) labels_.push_back(comm);
  for (auto [key, value] : {std::pair<std::string_view, uint32_t>{"pid", s.pid}, {"tid", s.tid}}) {
    profile::Label l{.num = static_cast<int32_t>(value), .is_number = 1};
    WF_ASSIGN(l.key, builder_.text(key));
    labels_.push_back(l);
  }
  return {};
}

profile::Profile ProcessProfile::finish(const Container& container) {
  profile::Profile p = builder_.finish();
  choose_default_type(p);
  if (!has_time_) return p;
  p.duration_ns = static_cast<int64_t>(last_ns_ - first_ns_);
  if (container.wall_minus_clock_ns != 0) {
    p.time_ns = static_cast<int64_t>(first_ns_ + static_cast<uint64_t>(container.wall_minus_clock_ns));
  }
  return p;
}

}  // namespace watchfire::converters::perf
