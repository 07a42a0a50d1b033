#include "cli/local_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/kallsyms.h"
#include "binaries/build_id.h"
#include "converters/perfdata/runtime_code.h"
#include "converters/symbolize_files.h"

namespace watchfire::cli {
namespace {

constexpr size_t kMaxProgram = size_t{1} << 30;
constexpr size_t kMaxPerfMap = size_t{64} << 20;
constexpr size_t kMaxJitdump = size_t{256} << 20;
constexpr size_t kMaxKernelNotes = size_t{64} << 10;
constexpr size_t kMostNotes = 5;

/// Opens without touching what is no regular file, and then the very same file for reading.
Result<Fd> open_regular(const std::string& path, int flags, struct stat& st) {
  Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC | flags));
  if (!place || fstat(place.get(), &st) != 0) return fail(system_error(errno, "can't be opened"));
  if (!S_ISREG(st.st_mode)) return fail(ErrorCode::kUnsupported, "is no regular file");
  return open_file("/proc/self/fd/" + std::to_string(place.get()), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

Result<std::string> read_program(const std::string& path) {
  struct stat st{};
  WF_ASSIGN(Fd file, open_regular(path, 0, st));
  return read_fd(file.get(), kMaxProgram);
}

/// A file of names that anyone may have put there.
Result<std::string> read_own(const std::string& path, size_t max_bytes) {
  struct stat st{};
  WF_ASSIGN(Fd file, open_regular(path, O_NOFOLLOW, st));
  if (st.st_uid != 0 && st.st_uid != geteuid())
    return fail(ErrorCode::kPermissionDenied, "belongs neither to root nor to you");
  if (st.st_nlink != 1) return fail(ErrorCode::kPermissionDenied, "has more than one name");
  return read_fd(file.get(), max_bytes);
}

void say_some(const std::vector<std::string>& notes, const Say& say) {
  for (size_t i = 0; i < std::min(notes.size(), kMostNotes); ++i) say(notes[i]);
  if (notes.size() > kMostNotes) say("... and " + std::to_string(notes.size() - kMostNotes) + " files more");
}

Result<converters::RunningKernel> read_running_kernel() {
  WF_ASSIGN(Kallsyms symbols, Kallsyms::read("/proc"));
  WF_ASSIGN(std::string notes, read_file("/sys/kernel/notes", kMaxKernelNotes));
  return converters::RunningKernel{std::move(symbols), binaries::find_build_id(as_bytes(notes))};
}

}  // namespace

void name_from_kernel(profile::Profile& p, const Say& say) {
  std::vector<std::string> notes;
  auto read = []() -> Result<const converters::RunningKernel*> {
    static const Result<converters::RunningKernel> kernel = read_running_kernel();
    if (!kernel) return fail(kernel.error());
    return &*kernel;
  };
  converters::symbolize_kernel(p, read, notes);
  say_some(notes, say);
}

void name_from_programs(profile::Profile& p, bool matching_only, const Say& say) {
  std::vector<std::string> notes;
  converters::symbolize_from_files(p, read_program, notes, matching_only);
  say_some(notes, say);
}

converters::PerfSymbols runtime_names(std::string_view perf_data, const converters::DecodeLimits& limits,
                                      const Say& say) {
  converters::PerfSymbols names;
  auto wanted = converters::find_runtime_code(perf_data, limits);
  if (!wanted) return names;  // reading the file tells why
  std::vector<std::string> notes;
  auto read = [&](const std::string& path, size_t max_bytes, auto add) {
    auto bytes = read_own(path, max_bytes);
    Status done = bytes ? add(*bytes) : fail(bytes.error());
    if (!done && done.error().code != ErrorCode::kNotFound) notes.push_back(path + ": " + done.error().message);
  };
  for (uint32_t pid : wanted->pids)
    read("/tmp/perf-" + std::to_string(pid) + ".map", kMaxPerfMap,
         [&](const std::string& text) { return names.add_perf_map(pid, text); });
  for (const std::string& path : wanted->jitdumps)
    read(path, kMaxJitdump, [&](const std::string& bytes) { return names.add_jitdump(bytes); });
  say_some(notes, say);
  return names;
}

}  // namespace watchfire::cli
