#include "converters/perfdata/records.h"

#include <array>

namespace watchfire::converters::perf {
namespace {

constexpr std::array<std::string_view, 22> kKernelNames = {
    "",           "MMAP",    "LOST",      "COMM",   "EXIT",         "THROTTLE",        "UNTHROTTLE", "FORK",
    "READ",       "SAMPLE",  "MMAP2",     "AUX",    "ITRACE_START", "LOST_SAMPLES",    "SWITCH",     "SWITCH_CPU_WIDE",
    "NAMESPACES", "KSYMBOL", "BPF_EVENT", "CGROUP", "TEXT_POKE",    "AUX_OUTPUT_HW_ID"};
constexpr uint32_t kFirstToolType = 64;
constexpr std::array<std::string_view, 21> kToolNames = {
    "ATTR",         "EVENT_TYPE",     "TRACING_DATA",   "BUILD_ID",   "FINISHED_ROUND", "ID_INDEX",    "AUXTRACE_INFO",
    "AUXTRACE",     "AUXTRACE_ERROR", "THREAD_MAP",     "CPU_MAP",    "STAT_CONFIG",    "STAT",        "STAT_ROUND",
    "EVENT_UPDATE", "TIME_CONV",      "HEADER_FEATURE", "COMPRESSED", "FINISHED_INIT",  "COMPRESSED2", "BPF_METADATA"};

}  // namespace

std::string_view record_name(uint32_t type) {
  if (type > 0 && type < kKernelNames.size()) return kKernelNames[type];
  if (type >= kFirstToolType && type - kFirstToolType < kToolNames.size()) return kToolNames[type - kFirstToolType];
  return "UNKNOWN";
}

bool is_used(uint32_t type) {
  switch (type) {
    case kMmap:
    case kLost:
    case kComm:
    case kExit:
    case kFork:
    case kSample:
    case kMmap2:
    case kLostSamples:
    case kKsymbol:
    case kAttr:
    case kEventType:
    case kBuildId:
    case kFinishedRound:
    case kEventUpdate:
    case kHeaderFeature:
    case kCompressed:
    case kFinishedInit:
    case kCompressed2:
      return true;
    default:
      return false;
  }
}

}  // namespace watchfire::converters::perf
