#include "base/host_checks.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/fd.h"

namespace watchfire {
namespace {

constexpr size_t kMaxText = 4096;
constexpr uint64_t kEnoughDisk = 512ull << 20;

std::string first_line(const std::string& path) {
  auto fd = open_file(path, 0);
  if (!fd) return "";
  char text[kMaxText];
  ssize_t n = ::read(fd->get(), text, sizeof text);
  std::string out(text, n > 0 ? static_cast<size_t>(n) : 0);
  return out.substr(0, out.find('\n'));
}

HostCheck check_kernel(const std::string& root) {
  std::string release = first_line(root + "/proc/sys/kernel/osrelease");
  int major = 0, minor = 0;
  std::sscanf(release.c_str(), "%d.%d", &major, &minor);
  bool good = major > 5 || (major == 5 && minor >= 15);
  return {"kernel", good, "Linux " + (release.empty() ? std::string("unknown") : release),
          good ? "" : "run Linux 5.15 or newer; pprof endpoints are scraped meanwhile"};
}

HostCheck check_btf(const std::string& root) {
  bool good = ::access((root + "/sys/kernel/btf/vmlinux").c_str(), R_OK) == 0;
  return {"btf", good, good ? "/sys/kernel/btf/vmlinux is there" : "the kernel has no BTF",
          good ? "" : "boot a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian's and Ubuntu's have it)"};
}

HostCheck check_lockdown(const std::string& root) {
  std::string state = first_line(root + "/sys/kernel/security/lockdown");
  bool closed = state.find("[confidentiality]") != std::string::npos;
  return {"lockdown", !closed, state.empty() ? "not in use" : state,
          closed ? "lockdown=confidentiality keeps eBPF from reading stacks; use lockdown=integrity" : ""};
}

HostCheck check_rights(const std::string& root) {
  std::string paranoid = first_line(root + "/proc/sys/kernel/perf_event_paranoid");
  bool no_perf = paranoid.empty();
  return {"perf_events", !no_perf, no_perf ? "the kernel has no perf events" : "perf_event_paranoid=" + paranoid,
          no_perf ? "boot a kernel with CONFIG_PERF_EVENTS=y" : ""};
}

HostCheck check_kernel_symbols(const std::string& root) {
  std::string restrict_level = first_line(root + "/proc/sys/kernel/kptr_restrict");
  bool hidden = restrict_level == "2";
  return {"kernel_symbols", !hidden, "kptr_restrict=" + (restrict_level.empty() ? "unknown" : restrict_level),
          hidden ? "sysctl kernel.kptr_restrict=1, so that the collector's CAP_SYSLOG suffices" : ""};
}

HostCheck check_disk(const std::string& state_directory) {
  struct statvfs fs{};
  if (::statvfs(state_directory.c_str(), &fs) != 0)
    return {"disk", false, state_directory + " can't be read", "make the directory, or run as a member of its group"};
  uint64_t free_bytes = static_cast<uint64_t>(fs.f_bavail) * fs.f_frsize;
  bool good = free_bytes >= kEnoughDisk;
  return {"disk", good, std::to_string(free_bytes >> 20) + " MB free under " + state_directory,
          good ? "" : "free space, or lower store.max_size"};
}

}  // namespace

std::vector<HostCheck> check_host(const std::string& root, const std::string& state_directory) {
  return {check_kernel(root),         check_btf(root),
          check_lockdown(root),       check_rights(root),
          check_kernel_symbols(root), check_disk(state_directory)};
}

}  // namespace watchfire
