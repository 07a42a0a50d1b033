#include "converters/perfdata/sample.h"

#include <bit>

namespace watchfire::converters::perf {
namespace {

/// Skips the READ part; false when it does not fit.
bool skip_read(uint64_t format, ByteReader& r, bool& has_group_counts) {
  constexpr uint64_t kEnabled = 1, kRunning = 2, kFormatId = 4, kGroup = 8, kFormatLost = 16;
  uint64_t values = 1;
  uint64_t words_each = 1 + ((format & kFormatId) != 0) + ((format & kFormatLost) != 0);
  if ((format & kGroup) != 0) values = r.read<uint64_t>();
  uint64_t times = ((format & kEnabled) != 0) + ((format & kRunning) != 0);
  if (!r.ok() || values > r.remaining() / 8) return false;
  has_group_counts = values > 1;
  r.take((values * words_each + times) * 8);
  return r.ok();
}

/// Reads a count and so many words.
bool read_words(ByteReader& r, std::vector<uint64_t>& out) {
  auto count = r.read<uint64_t>();
  if (!r.ok() || count > r.remaining() / 8) return false;
  out.resize(count);
  for (uint64_t& word : out) word = r.read<uint64_t>();
  return r.ok();
}

bool read_branches(const Event& e, ByteReader& r, std::vector<uint64_t>& out) {
  constexpr uint64_t kHardwareIndex = 1 << 17;
  constexpr size_t kEntryBytes = 24;
  auto count = r.read<uint64_t>();
  if ((e.branch_sample_type & kHardwareIndex) != 0) r.read<uint64_t>();
  if (!r.ok() || count > r.remaining() / kEntryBytes) return false;
  for (; count > 0; --count) {
    out.push_back(r.read<uint64_t>());
    r.take(kEntryBytes - 8);
  }
  return r.ok();
}

bool skip_counters(const Event& e, ByteReader& r, uint64_t branches) {
  constexpr uint64_t kCounters = 1 << 19;
  if ((e.branch_sample_type & kCounters) != 0) r.take(branches * 8);
  return r.ok();
}

bool read_stack_dump(const Event& e, ByteReader& r, Sample& out) {
  if ((e.sample_type & kRegsUser) != 0) {
    auto abi = r.read<uint64_t>();
    if (abi != 0) r.take(static_cast<size_t>(std::popcount(e.regs_user)) * 8);
  }
  if ((e.sample_type & kStackUser) != 0) {
    auto size = r.read<uint64_t>();
    out.has_stack_dump = size != 0;
    if (size > r.remaining()) return false;
    r.take(size);
    if (size != 0) r.read<uint64_t>();
  }
  return r.ok();
}

bool read_variable_parts(const Event& e, ByteReader& r, Sample& out) {
  auto has = [&](uint64_t bit) { return (e.sample_type & bit) != 0; };
  if (has(kRead) && !skip_read(e.read_format, r, out.has_group_counts)) return false;
  if (has(kCallchain) && !read_words(r, out.callchain)) return false;
  if (has(kRaw)) {
    auto size = r.read<uint32_t>();
    if (size > r.remaining()) return false;
    r.take(size);
  }
  if (has(kBranchStack)) {
    if (!read_branches(e, r, out.branches) || !skip_counters(e, r, out.branches.size())) return false;
  }
  return read_stack_dump(e, r, out);
}

}  // namespace

bool read_sample(const Event& e, std::string_view payload, Sample& out) {
  ByteReader r(payload);
  auto has = [&](uint64_t bit) { return (e.sample_type & bit) != 0; };
  auto word = [&](uint64_t bit) { return has(bit) ? r.read<uint64_t>() : 0; };
  out.callchain.clear();
  out.branches.clear();
  out.pid = out.tid = 0;
  out.has_stack_dump = out.has_group_counts = false;
  word(kIdentifier);
  out.ip = word(kIp);
  if (has(kTid)) {
    out.pid = r.read<uint32_t>();
    out.tid = r.read<uint32_t>();
  }
  out.time_ns = word(kTime);
  for (uint64_t bit : {kAddr, kId, kStreamId, kCpu}) word(bit);
  out.period = word(kPeriod);
  out.has_time = has(kTime);
  out.has_period = has(kPeriod);
  return r.ok() && read_variable_parts(e, r, out);
}

bool read_sample_id(const Event& any, std::string_view payload, uint64_t& id) {
  ByteReader r(payload);
  auto has = [&](uint64_t bit) { return (any.sample_type & bit) != 0; };
  if (!has(kIdentifier)) {
    if (!has(kId)) return false;
    for (uint64_t bit : {kIp, kTid, kTime, kAddr}) {
      if (has(bit)) r.read<uint64_t>();
    }
  }
  id = r.read<uint64_t>();
  return r.ok();
}

bool read_trailing_time(const Event& any, std::string_view payload, uint64_t& time_ns) {
  if (!any.sample_id_all || (any.sample_type & kTime) == 0) return false;
  size_t after = 8;
  for (uint64_t bit : {kId, kStreamId, kCpu, kIdentifier}) {
    if ((any.sample_type & bit) != 0) after += 8;
  }
  if (payload.size() < after) return false;
  ByteReader r(payload.substr(payload.size() - after));
  time_ns = r.read<uint64_t>();
  return true;
}

}  // namespace watchfire::converters::perf
