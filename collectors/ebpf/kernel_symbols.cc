#include "collectors/ebpf/kernel_symbols.h"

#include <sys/utsname.h>

namespace watchfire::collectors::ebpf {
FileRef make_kernel_file(std::string_view release, std::string_view module) {
  auto file = std::make_shared<MappedFile>();
  std::string suffix = module.empty() ? "" : ":" + std::string(module.substr(0, 64));
  file->kind = WindowFileKind::kKernel;
  file->path = "[kernel" + suffix + "]";
  file->fallback_id = "kernel:" + std::string(release.substr(0, 128)) + suffix;
  return file;
}

KernelSymbols::KernelSymbols(Kallsyms symbols, std::string_view release) : symbols_(std::move(symbols)) {
  for (const Kallsyms::Module& m : symbols_.modules()) files_.push_back(make_kernel_file(release, m.name));
}

Result<KernelSymbols> KernelSymbols::read(const std::string& proc_root) {
  utsname kernel{};
  ::uname(&kernel);
  WF_ASSIGN(Kallsyms symbols, Kallsyms::read(proc_root));
  return KernelSymbols(std::move(symbols), kernel.release);
}

Result<KernelSymbols> KernelSymbols::parse(std::string_view text, std::string_view release) {
  WF_ASSIGN(Kallsyms symbols, Kallsyms::parse(text));
  return KernelSymbols(std::move(symbols), release);
}

KernelSymbols::Found KernelSymbols::find(uint64_t address) const {
  Kallsyms::Found found = symbols_.find(address);
  if (found.name.empty()) return {files_[0], address, {}};
  return {files_[found.module], address - symbols_.modules()[found.module].start, found.name};
}

}  // namespace watchfire::collectors::ebpf
