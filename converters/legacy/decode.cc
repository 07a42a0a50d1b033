#include "converters/legacy/decode.h"

#include <algorithm>
#include <initializer_list>

#include "converters/legacy/parsers.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

// The functions of allocators, of the mutex profiler and of the CPU profiler, which end up in stacks of the old
// profilers and say nothing about the program. The texts go into profiles that others compare byte for byte.
constexpr std::string_view kAllocatorFrames =
    "calloc|cfree|malloc|free|memalign|do_memalign|(__)?posix_memalign|pvalloc|valloc|realloc|tcmalloc::.*|tc_calloc|"
    "tc_cfree|tc_malloc|tc_free|tc_memalign|tc_posix_memalign|tc_pvalloc|tc_valloc|tc_realloc|tc_new|tc_delete|"
    "tc_newarray|tc_deletearray|tc_new_nothrow|tc_newarray_nothrow|malloc_zone_malloc|malloc_zone_calloc|"
    "malloc_zone_valloc|malloc_zone_realloc|malloc_zone_memalign|malloc_zone_free|runtime\\..*|BaseArena::.*|"
    "(::)?do_malloc_no_errno|(::)?do_malloc_pages|(::)?do_malloc|DoSampledAllocation|"
    "MallocedMemBlock::MallocedMemBlock|_M_allocate|__builtin_(vec_)?delete|__builtin_(vec_)?new|"
    "__gnu_cxx::new_allocator::allocate|__libc_malloc|__malloc_alloc_template::allocate|allocate|cpp_alloc|"
    "operator new(\\[\\])?|simple_alloc::allocate";
constexpr std::string_view kAllocatorKeep = "runtime\\.panic|runtime\\.reflectcall|runtime\\.call[0-9]*";
constexpr std::string_view kCpuProfilerFrames =
    "ProfileData::Add|ProfileData::prof_handler|CpuProfiler::prof_handler|__pthread_sighandler|__restore";
constexpr std::string_view kLockFrames =
    "RecordLockProfileData|(base::)?RecordLockProfileData.*|(base::)?SubmitMutexProfileData.*|"
    "(base::)?SubmitSpinLockProfileData.*|(base::Mutex::)?AwaitCommon.*|(base::Mutex::)?Unlock.*|"
    "(base::Mutex::)?UnlockSlow.*|(base::Mutex::)?ReaderUnlock.*|(base::MutexLock::)?~MutexLock.*|"
    "(Mutex::)?AwaitCommon.*|(Mutex::)?Unlock.*|(Mutex::)?UnlockSlow.*|(Mutex::)?ReaderUnlock.*|"
    "(MutexLock::)?~MutexLock.*|(SpinLock::)?Unlock.*|(SpinLock::)?SlowUnlock.*|(SpinLockHolder::)?~SpinLockHolder.*";

bool has_types(const Profile& p, std::initializer_list<std::string_view> types) {
  return std::equal(p.sample_types.begin(), p.sample_types.end(), types.begin(), types.end(),
                    [&](const profile::ValueType& t, std::string_view type) { return p.text(t.type) == type; });
}

void add_uninteresting_frames(Profile& p) {
  bool heap = has_types(p, {"allocations", "size"}) || has_types(p, {"objects", "space"}) ||
              has_types(p, {"inuse_objects", "inuse_space"}) || has_types(p, {"alloc_objects", "alloc_space"}) ||
              has_types(p, {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"});
  std::string_view drop = heap                                     ? kAllocatorFrames
                          : has_types(p, {"contentions", "delay"}) ? kLockFrames
                                                                   : kCpuProfilerFrames;
  p.drop_frames = p.strings.intern(drop);
  p.keep_frames = heap ? p.strings.intern(kAllocatorKeep) : 0;
}

}  // namespace

std::unexpected<Error> unrecognized() {
  return fail(ErrorCode::kUnsupported, "unrecognized profile format");
}

std::unexpected<Error> malformed_sample(std::string_view line) {
  return fail(ErrorCode::kCorrupt, "malformed sample: " + std::string(line.substr(0, 200)));
}

Status apply_additional_sections(LineReader& lines, LegacyDraft& draft) {
  while (!is_memory_map_start(lines.line()) && lines.next()) {
  }
  WF_TRY(lines.status());
  return draft.apply_memory_map(lines.rest());
}

Result<Profile> decode_legacy(std::string_view bytes, const DecodeLimits& limits) {
  for (auto* parse :
       {parse_cpu, parse_heap, parse_jemalloc, parse_go_count, parse_threadz, parse_contention, parse_java}) {
    auto p = parse(bytes, limits);
    if (p) add_uninteresting_frames(*p);
    if (p || p.error().code != ErrorCode::kUnsupported) return p;
  }
  return unrecognized();
}

}  // namespace watchfire::converters
