#include "converters/window/window_profiles.h"

#include <algorithm>
#include <memory>

namespace watchfire::converters {
namespace {

using profile::Label;
using profile::Profile;
using profile::StringId;

constexpr std::string_view kServiceSuffix = ".service";

// Builds one service's profile; window indices are translated once each.
class ServiceBuilder {
 public:
  explicit ServiceBuilder(const RawWindow& w)
      : w_(w), files_(w.files.size(), profile::kNone), frames_(w.frames.size(), profile::kNone) {
    p_.sample_types = {{str("samples"), str("count")}, {str("cpu"), str("nanoseconds")}};
    p_.values.resize(2);
    p_.period_type = p_.sample_types[1];
    p_.period = w.period_ns;
    p_.time_ns = w.start_ns;
    p_.duration_ns = w.end_ns - w.start_ns;
  }

  void add(const WindowSample& s) {
    const WindowProcess& process = w_.processes[s.process];
    if (p_.mappings.empty() && process.executable != kNoIndex) mapping(process.executable);
    stack_.clear();
    for (uint32_t f : w_.stack(s.stack)) stack_.push_back(location(f));
    labels_ = {number("pid", process.pid),
               number("process_start", (process.start_boot_ns + w_.boot_to_unix_ns) / kSecond, "seconds"),
               number("tid", s.tid)};
    if (s.thread_name != kNoIndex) labels_.push_back(text("thread", w_.names[s.thread_name]));
    bool is_cut = s.end != StackEnd::kNoUserStack && s.end != StackEnd::kEndOfChain;
    if (is_cut) labels_.push_back(text("truncated", stack_end_name(s.end)));
    const int64_t values[] = {static_cast<int64_t>(s.count), s.weight_ns};
    p_.add_sample(stack_, labels_, values);
  }

  Profile finish() { return std::move(p_); }

 private:
  StringId str(std::string_view text) { return p_.strings.intern(text); }
  Label number(std::string_view key, int64_t n, std::string_view unit = {}) { return {n, str(key), 0, str(unit), 1}; }
  Label text(std::string_view key, std::string_view value) { return {0, str(key), str(value), 0, 0}; }

  uint32_t mapping(uint32_t file) {
    uint32_t& index = files_[file];
    if (index != profile::kNone) return index;
    const WindowFile& f = w_.files[file];
    index = static_cast<uint32_t>(p_.mappings.size());
    profile::Mapping m;
    m.id = index + 1;
    m.limit = UINT64_MAX;
    m.file = str(f.path.empty() ? f.id : f.path);
    m.build_id = f.kind == WindowFileKind::kElf ? str(f.id) : 0;
    m.has_functions = f.kind == WindowFileKind::kKernel;
    p_.mappings.push_back(m);
    return index;
  }

  uint32_t location(uint32_t frame) {
    uint32_t& index = frames_[frame];
    if (index != profile::kNone) return index;
    const WindowFrame& f = w_.frames[frame];
    profile::Location l;
    l.mapping = mapping(f.file);
    index = static_cast<uint32_t>(p_.locations.size());
    l.id = index + 1;
    l.address = f.address;
    l.first_line = static_cast<uint32_t>(p_.lines.size());
    if (f.name != kNoIndex) {
      auto function = static_cast<uint32_t>(p_.functions.size());
      StringId name = str(w_.names[f.name]);
      p_.functions.push_back({function + 1u, name, name, 0, 0});
      p_.lines.push_back({function, 0, 0});
      l.line_count = 1;
    }
    p_.locations.push_back(l);
    return index;
  }

  const RawWindow& w_;
  Profile p_;
  std::vector<uint32_t> files_, frames_;
  std::vector<uint32_t> stack_;
  std::vector<Label> labels_;
};

Labels series_labels(const WindowProcess& process, const std::string& service, const std::string& host) {
  Labels labels = {{"service_name", service}, {"source", "ebpf"}, {"host", host}};
  if (!process.unit.empty()) labels["unit"] = process.unit;
  if (!process.container_id.empty()) labels["container"] = process.container_id;
  return labels;
}

}  // namespace

std::string service_name_of(const WindowProcess& p) {
  if (p.kernel_thread != 0) return "kernel";
  std::string_view unit = p.unit;
  // Login sessions and the user manager hold anything at all: there the program says more.
  if (unit.ends_with(kServiceSuffix) && !unit.starts_with("user@"))
    return std::string(unit.substr(0, unit.size() - kServiceSuffix.size()));
  if (!p.container_id.empty()) return (p.exe.empty() ? p.comm : p.exe) + "@" + p.container_id.substr(0, 12);
  if (!p.exe.empty()) return p.exe;
  return p.comm.empty() ? "unknown" : p.comm;
}

WindowProfiles window_profiles(const RawWindow& w, const std::string& host) {
  struct Service {
    Labels labels;
    std::unique_ptr<ServiceBuilder> builder;
  };
  std::map<std::string, Service> services;  // by the labels' text
  std::vector<Service*> of_process(w.processes.size());
  for (const WindowSample& s : w.samples) {
    Service*& service = of_process[s.process];
    if (service == nullptr) {
      const WindowProcess& process = w.processes[s.process];
      Labels labels = series_labels(process, service_name_of(process), host);
      service = &services[labels_text(labels)];
      if (!service->builder) *service = {std::move(labels), std::make_unique<ServiceBuilder>(w)};
    }
    service->builder->add(s);
  }
  WindowProfiles out;
  for (auto& [key, service] : services)
    out.profiles.push_back({std::move(service.labels),
                            "process_cpu",
                            {w.start_ns, w.end_ns},
                            std::make_shared<const Profile>(service.builder->finish())});
  for (const WindowFrame& f : w.frames)
    if (f.name == kNoIndex && w.files[f.file].kind == WindowFileKind::kElf)
      out.unnamed[w.files[f.file].id].push_back(f.address);
  for (auto& [id, addresses] : out.unnamed) {
    std::ranges::sort(addresses);
    auto repeated = std::ranges::unique(addresses);
    addresses.erase(repeated.begin(), repeated.end());
  }
  return out;
}

}  // namespace watchfire::converters
