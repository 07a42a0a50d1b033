#pragma once

#include <cstdint>
#include <string_view>

namespace watchfire::converters::perf {

/// Types of records, as the kernel and perf number them; those this reader looks into.
enum RecordType : uint32_t {
  kMmap = 1,
  kLost = 2,
  kComm = 3,
  kExit = 4,
  kFork = 7,
  kSample = 9,
  kMmap2 = 10,
  kLostSamples = 13,
  kKsymbol = 17,
  kAttr = 64,
  kEventType = 65,
  kTracingData = 66,
  kBuildId = 67,
  kFinishedRound = 68,
  kAuxtrace = 71,
  kEventUpdate = 78,
  kHeaderFeature = 80,
  kCompressed = 81,
  kFinishedInit = 82,
  kCompressed2 = 83,
};

/// "SAMPLE", "MMAP2" ...; "UNKNOWN" for a type that perf had not yet.
std::string_view record_name(uint32_t type);
/// Whether the type takes part in the profile, or only orders others.
bool is_used(uint32_t type);

inline constexpr uint16_t kMiscExec = 1 << 13;         // COMM
inline constexpr uint16_t kMiscBuildId = 1 << 14;      // MMAP2
inline constexpr uint16_t kMiscBuildIdSize = 1 << 15;  // BUILD_ID
inline constexpr uint16_t kCpumodeMask = 7;
inline constexpr uint16_t kCpumodeUser = 2;

/// One record; the payload is what follows its header of eight bytes.
struct Record {
  uint32_t type = 0;
  uint16_t misc = 0;
  std::string_view payload;
};

/// Parts of a sample, as bits of attr.sample_type.
enum SampleBit : uint64_t {
  kIp = 1 << 0,
  kTid = 1 << 1,
  kTime = 1 << 2,
  kAddr = 1 << 3,
  kRead = 1 << 4,
  kCallchain = 1 << 5,
  kId = 1 << 6,
  kCpu = 1 << 7,
  kPeriod = 1 << 8,
  kStreamId = 1 << 9,
  kRaw = 1 << 10,
  kBranchStack = 1 << 11,
  kRegsUser = 1 << 12,
  kStackUser = 1 << 13,
  kIdentifier = 1 << 16,
};

/// Values of a callchain from here on are markers.
inline constexpr uint64_t kFirstMarker = static_cast<uint64_t>(-4095);
inline constexpr uint64_t kUserMarker = static_cast<uint64_t>(-512);
inline constexpr uint64_t kDeferredMarker = static_cast<uint64_t>(-640);
inline constexpr uint64_t kGuestMarker = static_cast<uint64_t>(-2048);

}  // namespace watchfire::converters::perf
