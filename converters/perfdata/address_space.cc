#include "converters/perfdata/address_space.h"

#include <algorithm>

namespace watchfire::converters::perf {
namespace {

uint64_t thread_key(uint32_t pid, uint32_t tid) {
  return uint64_t{pid} << 32 | tid;
}

/// Whether a process's program may be this file: no library, module or range without a file.
bool may_be_program(std::string_view file) {
  if (file.empty() || file[0] == '[' || file.starts_with("//")) return false;
  std::string_view base = file.substr(file.rfind('/') + 1);
  bool is_library = base.find(".so") != std::string_view::npos || base.starts_with("ld-") || base.ends_with(".ko");
  return !is_library && file.find("/virtual/") == std::string_view::npos && base != "classes.jsa";
}

}  // namespace

void AddressSpaces::place(Ranges& ranges, const MappedFile& file, uint32_t index) {
  auto it = ranges.lower_bound(file.start);
  if (it != ranges.begin()) {
    auto before = std::prev(it);
    Range cut = before->second;
    if (cut.limit > file.start) {
      before->second.limit = file.start;
      if (cut.limit > file.limit) ranges.emplace(file.limit, cut);
    }
  }
  while (it != ranges.end() && it->first < file.limit) {
    Range cut = it->second;
    it = ranges.erase(it);
    if (cut.limit > file.limit) it = ranges.emplace(file.limit, cut).first;
  }
  ranges.emplace(file.start, Range{file.limit, index});
}

Status AddressSpaces::map(uint32_t pid, MappedFile file) {
  if (file.limit <= file.start) return {};
  if (files_.size() >= limits_.mappings) return fail(limit_exceeded("mappings", limits_.mappings, "mappings"));
  auto index = static_cast<uint32_t>(files_.size());
  files_.push_back(std::move(file));
  if (files_[index].is_kernel) {
    place(kernel_, files_[index], index);
    return {};
  }
  Process& process = processes_[pid];
  if (!process.ranges) process.ranges = std::make_shared<Ranges>();
  if (process.ranges.use_count() > 1) {
    copied_ += process.ranges->size();
    uint64_t most = limits_.mappings * 16;
    if (copied_ > most) return fail(limit_exceeded("mappings", most, "mappings copied by forks"));
    process.ranges = std::make_shared<Ranges>(*process.ranges);
  }
  place(*process.ranges, files_[index], index);
  if (process.program == kNoFile && may_be_program(files_[index].file)) process.program = index;
  return {};
}

Status AddressSpaces::fork(uint32_t pid, uint32_t parent_pid, uint32_t tid, uint32_t parent_tid) {
  if (std::string_view comm = name(parent_pid, parent_tid); !comm.empty()) {
    names_[thread_key(pid, tid)] = std::string(comm);
  }
  if (pid == parent_pid) return {};
  auto parent = processes_.find(parent_pid);
  if (parent != processes_.end()) {
    Process copy = parent->second;
    processes_[pid] = std::move(copy);
  }
  return {};
}

void AddressSpaces::set_name(uint32_t pid, uint32_t tid, std::string_view comm, bool is_exec) {
  names_[thread_key(pid, tid)] = std::string(comm);
  if (is_exec) processes_[pid] = {};
}

uint32_t AddressSpaces::find_in(const Ranges& ranges, uint64_t address) {
  auto it = ranges.upper_bound(address);
  if (it == ranges.begin()) return kNoFile;
  --it;
  return address < it->second.limit ? it->second.file : kNoFile;
}

uint32_t AddressSpaces::find(uint32_t pid, uint64_t address) const {
  if (auto it = processes_.find(pid); it != processes_.end() && it->second.ranges) {
    if (uint32_t file = find_in(*it->second.ranges, address); file != kNoFile) return file;
  }
  return find_in(kernel_, address);
}

uint32_t AddressSpaces::program(uint32_t pid) const {
  auto it = processes_.find(pid);
  return it == processes_.end() ? kNoFile : it->second.program;
}

std::string_view AddressSpaces::name(uint32_t pid, uint32_t tid) const {
  for (uint64_t key : {thread_key(pid, tid), thread_key(pid, pid)}) {
    if (auto it = names_.find(key); it != names_.end()) return it->second;
  }
  if (pid == 0 && tid == 0) return "swapper";  // the idle threads, whose name no record tells
  return {};
}

}  // namespace watchfire::converters::perf
