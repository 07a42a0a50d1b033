#include "base/kallsyms.h"

#include <algorithm>
#include <unordered_map>

#include "base/fd.h"
#include "base/text_fields.h"

namespace watchfire {
namespace {

constexpr size_t kMaxBytes = 64u << 20;
constexpr size_t kMaxModules = 2000;
constexpr size_t kMaxName = 255;

}  // namespace

Result<Kallsyms> Kallsyms::read(const std::string& proc_root) {
  WF_ASSIGN(std::string text, read_file(proc_root + "/kallsyms", kMaxBytes));
  return parse(text);
}

Result<Kallsyms> Kallsyms::parse(std::string_view text) {
  Kallsyms out;
  out.modules_.emplace_back();
  std::unordered_map<std::string_view, uint16_t> module_index{{"", 0}};
  bool any_address = false;
  std::string_view line;
  while (next_line(text, line)) {
    size_t tab = line.find('\t');
    auto module = tab == std::string_view::npos ? std::string_view() : line.substr(tab + 1);
    line = line.substr(0, tab);
    auto address = parse_number(next_word(line), 16);
    auto type = next_word(line), name = next_word(line);
    if (!address || type.empty() || !std::string_view("tTwW").contains(type[0]) || name.empty()) continue;
    any_address = any_address || *address != 0;
    if (module.starts_with('[') && module.ends_with(']')) module = module.substr(1, module.size() - 2);
    auto [it, fresh] = module_index.try_emplace(module, static_cast<uint16_t>(out.modules_.size()));
    if (fresh && out.modules_.size() < kMaxModules)
      out.modules_.push_back({std::string(module), *address});
    else if (fresh)
      it->second = 0;
    Module& owner = out.modules_[it->second];
    if (it->second != 0) owner.start = std::min(owner.start, *address);
    if (name == "_text" || (name == "_stext" && out.modules_[0].start == 0)) out.modules_[0].start = *address;
    name = name.substr(0, kMaxName);
    out.symbols_.push_back(
        {*address, static_cast<uint32_t>(out.names_.size()), static_cast<uint16_t>(name.size()), it->second});
    out.names_ += name;
  }
  if (!any_address)
    return fail(Error(ErrorCode::kPermissionDenied, "the kernel hides the addresses of its symbols")
                    .hinted("needs CAP_SYSLOG (and kernel.kptr_restrict below 2)"));
  std::ranges::sort(out.symbols_, {}, [](const Symbol& s) { return std::pair(s.address, s.name); });
  return out;
}

Kallsyms::Found Kallsyms::find(uint64_t address) const {
  auto it = std::ranges::upper_bound(symbols_, address, {}, &Symbol::address);
  if (it == symbols_.begin()) return {};
  // Of several names at one address, the first of the file.
  uint64_t start = std::prev(it)->address;
  const Symbol& s = *std::ranges::lower_bound(symbols_, start, {}, &Symbol::address);
  return {std::string_view(names_).substr(s.name, s.length), s.module};
}

}  // namespace watchfire
