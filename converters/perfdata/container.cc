#include "converters/perfdata/container.h"

#include <algorithm>
#include <memory>

namespace watchfire::converters::perf {
namespace {

constexpr std::string_view kMagic = "PERFILE2";
constexpr size_t kHeaderBytes = 104;
constexpr size_t kPipeHeaderBytes = 16;
constexpr size_t kRecordHeaderBytes = 8;
constexpr size_t kMinimumAttrBytes = 64;
constexpr size_t kMaxString = 64 << 10;

// Parts of the header that say something of the recording.
enum Feature : uint32_t {
  kFeatureBuildId = 2,
  kFeatureHostname = 3,
  kFeatureVersion = 5,
  kFeatureCmdline = 11,
  kFeatureEventDesc = 12,
  kFeatureClockData = 29,
};

struct Section {
  uint64_t offset = 0;
  uint64_t size = 0;
};

Section read_section(ByteReader& r) {
  Section s;
  s.offset = r.read<uint64_t>();
  s.size = r.read<uint64_t>();
  return s;
}

/// The part of the file; cut where the file ends.
std::string_view part(std::string_view bytes, const Section& s) {
  if (s.offset >= bytes.size()) return {};
  return bytes.substr(s.offset, s.size);
}

std::string read_text(ByteReader& r) {
  return std::string(until_nul(r.read_string(kMaxString)));
}

Event read_event(std::string_view attr) {
  std::string whole(attr.substr(0, 136));
  whole.resize(136);
  ByteReader r(whole);
  auto at = [&]<typename T>(size_t offset, T) {
    ByteReader from(std::string_view(whole).substr(offset));
    return from.read<T>();
  };
  constexpr uint64_t kIsFrequency = 1 << 10;
  constexpr uint64_t kSampleIdAll = 1 << 18;
  Event e;
  uint64_t flags = at(40, uint64_t{});
  e.config = at(8, uint64_t{});
  e.period = (flags & kIsFrequency) != 0 ? 0 : at(16, uint64_t{});
  e.sample_type = at(24, uint64_t{});
  e.read_format = at(32, uint64_t{});
  e.sample_id_all = (flags & kSampleIdAll) != 0;
  e.branch_sample_type = at(72, uint64_t{});
  e.regs_user = at(80, uint64_t{});
  return e;
}

/// 20 bytes at most, without the zeros that pad a shorter one.
std::string build_id_text(std::string_view id) {
  while (id.size() >= 4 && id.ends_with(std::string_view("\0\0\0\0", 4))) id.remove_suffix(4);
  return to_hex(as_bytes(id));
}

}  // namespace

std::string_view until_nul(std::string_view bytes) {
  return bytes.substr(0, bytes.find('\0'));
}

Result<Container> Container::read(std::string_view bytes, const DecodeLimits& limits, PerfDataStats& stats) {
  Container c(limits, stats);
  if (bytes.starts_with("2ELIFREP")) {
    return fail(ErrorCode::kUnsupported, "a perf.data file of the other byte order");
  }
  if (!bytes.starts_with(kMagic)) return fail(ErrorCode::kUnsupported, "not a perf.data file");
  ByteReader r(bytes.substr(kMagic.size()));
  auto header_bytes = r.read<uint64_t>();
  stats.is_pipe = r.ok() && header_bytes == kPipeHeaderBytes;
  if (stats.is_pipe) {
    WF_TRY(c.read_records(bytes.substr(kPipeHeaderBytes)));
  } else {
    WF_TRY(c.read_file(bytes));
  }
  if (!c.compressed_.empty()) {
    WF_ASSIGN(std::string inflated, inflate_perf_stream(c.compressed_, limits, stats.is_cut));
    c.inflated_ = std::make_unique<std::string>(std::move(inflated));
    WF_TRY(c.read_records(*c.inflated_));
  }
  if (c.events.empty()) return fail(ErrorCode::kCorrupt, "perf.data: no event is described (cut short?)");
  return c;
}

Status Container::read_file(std::string_view bytes) {
  ByteReader r(bytes.substr(0, kHeaderBytes));
  r.read<uint64_t>();
  auto header_bytes = r.read<uint64_t>();
  auto attr_size = r.read<uint64_t>();
  Section attrs = read_section(r);
  Section data = read_section(r);
  read_section(r);  // types of events, which perf no longer writes
  uint64_t features[4];
  for (uint64_t& word : features) word = r.read<uint64_t>();
  if (!r.ok()) return fail(ErrorCode::kCorrupt, "perf.data: the file ends within its header");
  if (header_bytes != kHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "perf.data: a header of " + std::to_string(header_bytes) + " bytes");
  }
  WF_TRY(read_attrs(part(bytes, attrs), attr_size, bytes));
  if (data.offset > bytes.size()) return fail(ErrorCode::kCorrupt, "perf.data: the file ends before its data");
  stats_->is_unfinished = data.size == 0;
  if (stats_->is_unfinished) return read_records(bytes.substr(data.offset));
  stats_->is_cut = data.size > bytes.size() - data.offset;
  if (!stats_->is_cut) read_features(bytes, data.offset + data.size, features);
  return read_records(part(bytes, data));
}

Status Container::read_attrs(std::string_view section, uint64_t attr_size, std::string_view bytes) {
  if (attr_size < kMinimumAttrBytes + sizeof(Section) || attr_size > UINT16_MAX || section.size() < attr_size) {
    return fail(ErrorCode::kCorrupt, "perf.data: no event is described (cut short?)");
  }
  uint64_t id_bytes = 0;
  for (; section.size() >= attr_size; section.remove_prefix(attr_size)) {
    WF_TRY(check_event_count());
    size_t event_bytes = attr_size - sizeof(Section);
    Event e = read_event(section.substr(0, event_bytes));
    ByteReader r(section.substr(event_bytes));
    std::string_view ids = part(bytes, read_section(r));
    for (ByteReader id(ids); id.remaining() >= 8;) e.ids.push_back(id.read<uint64_t>());
    id_bytes += ids.size();
    if (id_bytes > bytes.size()) return fail(ErrorCode::kCorrupt, "perf.data: events share their ids");
    events.push_back(std::move(e));
    index_ids(events.size() - 1);
  }
  return {};
}

Status Container::check_event_count() const {
  if (events.size() < limits_.sample_types) return {};
  return fail(limit_exceeded("sample_types", limits_.sample_types, "events"));
}

void Container::read_features(std::string_view bytes, uint64_t table, const uint64_t (&bits)[4]) {
  if (table > bytes.size()) return;
  ByteReader r(bytes.substr(table));
  for (uint32_t feature = 0; feature < 256 && r.ok(); ++feature) {
    if ((bits[feature / 64] >> feature % 64 & 1) == 0) continue;
    Section s = read_section(r);
    if (!r.ok() || s.offset > bytes.size() || s.size > bytes.size() - s.offset) {
      stats_->is_cut = true;
      return;
    }
    read_feature(feature, part(bytes, s));
  }
}

void Container::read_feature(uint32_t feature, std::string_view bytes) {
  ByteReader r(bytes);
  switch (feature) {
    case kFeatureBuildId:
      while (bytes.size() >= kRecordHeaderBytes) {
        ByteReader header(bytes);
        Record record{.type = kBuildId};
        header.read<uint32_t>();
        record.misc = header.read<uint16_t>();
        auto size = header.read<uint16_t>();
        if (size < kRecordHeaderBytes || size > bytes.size()) return;
        record.payload = bytes.substr(kRecordHeaderBytes, size - kRecordHeaderBytes);
        add_build_id(record);
        bytes.remove_prefix(size);
      }
      return;
    case kFeatureHostname:
      hostname = read_text(r);
      return;
    case kFeatureVersion:
      perf_version = read_text(r);
      return;
    case kFeatureCmdline:
      command.clear();
      for (auto n = r.read<uint32_t>(); n > 0 && r.ok() && command.size() < kMaxString; --n) {
        if (!command.empty()) command += ' ';
        command += read_text(r);
      }
      return;
    case kFeatureEventDesc:
      read_event_desc(r);
      return;
    case kFeatureClockData:
      r.read<uint64_t>();  // version and clock
      if (auto wall = r.read<uint64_t>(), clock = r.read<uint64_t>(); r.ok()) {
        wall_minus_clock_ns = static_cast<int64_t>(wall - clock);
      }
      return;
    default:
      return;
  }
}

void Container::read_event_desc(ByteReader r) {
  auto count = r.read<uint32_t>();
  auto attr_bytes = r.read<uint32_t>();
  for (uint32_t i = 0; i < count && r.ok(); ++i) {
    r.take(attr_bytes);
    auto ids = r.read<uint32_t>();
    std::string name = read_text(r);
    std::vector<uint64_t> of_event;
    for (; ids > 0 && r.ok(); --ids) of_event.push_back(r.read<uint64_t>());
    if (!r.ok()) return;
    // The events stand in the same order here as where they are described; old pipes describe them here only by id.
    Event* event = i < events.size() ? &events[i] : nullptr;
    if (event == nullptr) return;
    event->name = std::move(name);
    if (event->ids.empty()) event->ids = std::move(of_event);
  }
}

Status Container::read_records(std::string_view bytes) {
  while (!bytes.empty()) {
    ByteReader r(bytes);
    Record record;
    record.type = r.read<uint32_t>();
    record.misc = r.read<uint16_t>();
    auto size = r.read<uint16_t>();
    if (!r.ok() || size < kRecordHeaderBytes || size > bytes.size()) {
      stats_->is_cut = true;
      return {};
    }
    record.payload = bytes.substr(kRecordHeaderBytes, size - kRecordHeaderBytes);
    bytes.remove_prefix(size);
    WF_TRY(read_record(record));
    uint64_t raw_bytes = 0;  // what follows these without being counted in their size
    ByteReader payload(record.payload);
    if (record.type == kTracingData) raw_bytes = (uint64_t{payload.read<uint32_t>()} + 7) / 8 * 8;
    if (record.type == kAuxtrace) raw_bytes = payload.read<uint64_t>();
    if (raw_bytes > bytes.size()) {
      stats_->is_cut = true;
      return {};
    }
    bytes.remove_prefix(raw_bytes);
  }
  return {};
}

Status Container::read_record(const Record& r) {
  std::string name(record_name(r.type));
  ++stats_->records[name];
  if (!is_used(r.type)) ++stats_->skipped[name];
  ByteReader payload(r.payload);
  switch (r.type) {
    case kAttr:
      return add_attr(r.payload);
    case kEventType: {
      auto config = payload.read<uint64_t>();
      if (payload.ok()) old_names_[config] = until_nul(r.payload.substr(8));
      for (Event& e : events) {
        if (e.config == config && e.name.empty()) e.name = old_names_[config];
      }
      return {};
    }
    case kEventUpdate:
      update_event(r.payload);
      return {};
    case kHeaderFeature: {
      auto feature = payload.read<uint64_t>();
      if (payload.ok() && feature < 256) read_feature(static_cast<uint32_t>(feature), r.payload.substr(8));
      return {};
    }
    case kBuildId:
      add_build_id(r);
      return {};
    case kCompressed:
      compressed_ += r.payload;
      return {};
    case kCompressed2: {
      auto size = payload.read<uint64_t>();
      if (payload.ok()) compressed_ += r.payload.substr(8, size);
      return {};
    }
    default:
      if (is_used(r.type)) records.push_back(r);
      return {};
  }
}

Status Container::add_attr(std::string_view payload) {
  WF_TRY(check_event_count());
  ByteReader r(payload);
  r.read<uint32_t>();
  auto attr_bytes = r.read<uint32_t>();
  if (!r.ok() || attr_bytes < kMinimumAttrBytes || attr_bytes > payload.size()) {
    return fail(ErrorCode::kCorrupt, "perf.data: broken ATTR record");
  }
  Event e = read_event(payload.substr(0, attr_bytes));
  for (ByteReader id(payload.substr(attr_bytes)); id.remaining() >= 8;) e.ids.push_back(id.read<uint64_t>());
  if (auto name = old_names_.find(e.config); name != old_names_.end()) e.name = name->second;
  events.push_back(std::move(e));
  index_ids(events.size() - 1);
  return {};
}

void Container::update_event(std::string_view payload) {
  constexpr uint64_t kName = 2;
  ByteReader r(payload);
  auto what = r.read<uint64_t>();
  auto id = r.read<uint64_t>();
  if (!r.ok() || what != kName) return;
  if (auto it = event_of_id_.find(id); it != event_of_id_.end()) {
    events[it->second].name = until_nul(payload.substr(16));
  }
}

void Container::index_ids(size_t event) {
  for (uint64_t id : events[event].ids) event_of_id_.emplace(id, event);
}

void Container::add_build_id(const Record& r) {
  constexpr size_t kFileAt = 28;  // process, id, its size, padding
  if (r.payload.size() <= kFileAt) return;
  std::string_view id = r.payload.substr(4, 20);
  if ((r.misc & kMiscBuildIdSize) != 0) id = id.substr(0, static_cast<uint8_t>(r.payload[24]));
  std::string text = (r.misc & kMiscBuildIdSize) != 0 ? to_hex(as_bytes(id)) : build_id_text(id);
  build_ids[std::string(until_nul(r.payload.substr(kFileAt)))] = std::move(text);
}

}  // namespace watchfire::converters::perf
