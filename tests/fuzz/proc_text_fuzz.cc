// /proc texts and kallsyms.

#include "base/text_fields.h"
#include "collectors/ebpf/kernel_symbols.h"
#include "collectors/ebpf/proc_text.h"

using namespace watchfire;
using namespace watchfire::collectors::ebpf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view rest = text, line;
  while (next_line(rest, line)) {
    if (auto m = parse_maps_line(line)) unescape_path(m->path);
    parse_tcp_line(line);
    parse_inode_link(line, "socket");
  }
  parse_stat_start(text);
  parse_cgroup(text);
  if (auto symbols = KernelSymbols::parse(text, "6.1")) symbols->find(0xffffffff81000000);
  return 0;
}
