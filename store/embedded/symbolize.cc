#include "store/embedded/symbolize.h"

namespace watchfire::store {
namespace {

// Functions added by one symbolize(), by identity.
class NewFunctions {
 public:
  explicit NewFunctions(profile::Profile& p) : p_(p), first_(static_cast<uint32_t>(p.functions.size())) {}

  uint32_t index(const SymbolFrame& frame) {
    profile::StringId name = p_.strings.intern(frame.name);
    profile::StringId system_name = p_.strings.intern(frame.system_name.empty() ? frame.name : frame.system_name);
    profile::StringId file = p_.strings.intern(frame.file);
    uint32_t key[] = {name, system_name, file};
    uint32_t index = first_ + keys_.intern(key) - 1;
    if (index == p_.functions.size()) p_.functions.push_back({index + 1u, name, system_name, file, 0});
    return index;
  }

 private:
  profile::Profile& p_;
  uint32_t first_;
  profile::SpanTable<uint32_t> keys_;
};

}  // namespace

void symbolize(Catalog& catalog, profile::Profile& p) {
  NewFunctions functions(p);
  for (profile::Location& l : p.locations) {
    if (l.line_count != 0 || l.mapping == profile::kNone) continue;
    profile::StringId file_id = p.mappings[l.mapping].build_id;
    if (file_id == 0) continue;
    auto range = catalog.symbol(std::string(p.text(file_id)), l.address);
    if (!range || range->frames.empty()) continue;
    l.first_line = static_cast<uint32_t>(p.lines.size());
    l.line_count = static_cast<uint32_t>(range->frames.size());
    for (const SymbolFrame& frame : range->frames) {
      uint32_t function = functions.index(frame);
      p.lines.push_back({function, frame.line, 0});
    }
    p.mappings[l.mapping].has_functions = true;
  }
}

}  // namespace watchfire::store
