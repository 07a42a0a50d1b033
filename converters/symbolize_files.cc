#include "converters/symbolize_files.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/bytes.h"
#include "binaries/elf_file.h"
#include "binaries/symbolizer.h"

namespace watchfire::converters {
namespace {

using profile::Profile;

constexpr uint64_t kNoAddress = ~uint64_t{0};

bool may_be_file(std::string_view name) {
  return !name.empty() && name[0] != '[' && !name.starts_with("//");
}

/// The address within the file of one in the process; kNoAddress when it is in no code of the file.
uint64_t address_in_file(const profile::Mapping& m, uint64_t address, const std::vector<binaries::CodeSegment>& code) {
  if (m.start == 0 && m.limit == ~uint64_t{0}) {  // made up where no map was recorded: a program that is not moved
    auto holds = [&](const binaries::CodeSegment& s) { return address >= s.address && address - s.address < s.size; };
    return std::ranges::any_of(code, holds) ? address : kNoAddress;
  }
  if (address < m.start) return kNoAddress;
  uint64_t offset = address - m.start + m.file_offset;
  for (const binaries::CodeSegment& s : code) {
    if (offset >= s.offset && offset - s.offset < s.size) return offset - s.offset + s.address;
  }
  return kNoAddress;
}

/// Adds lines to locations, and functions for them.
class LocationNamer {
 public:
  explicit LocationNamer(Profile& p) : p_(p) {
    for (const profile::Function& f : p.functions) last_id_ = std::max(last_id_, f.id);
  }
  size_t named() const { return named_; }

  void set_lines(profile::Location& l, const std::vector<SymbolLine>& lines) {
    if (lines.empty()) return;
    l.first_line = static_cast<uint32_t>(p_.lines.size());
    l.line_count = static_cast<uint32_t>(lines.size());
    profile::Mapping& m = p_.mappings[l.mapping];
    for (const SymbolLine& line : lines) {
      p_.lines.push_back({.function = function(line), .line = line.line});
      m.has_functions = true;
      m.has_filenames = m.has_filenames || !line.file.empty();
      m.has_line_numbers = m.has_line_numbers || line.line != 0;
    }
    ++named_;
  }

 private:
  uint32_t function(const SymbolLine& line) {
    profile::Function f;
    f.name = p_.strings.intern(line.system_name);
    f.system_name = p_.strings.intern(line.system_name);
    f.file = p_.strings.intern(line.file);
    f.start_line = line.start_line;
    auto next = static_cast<uint32_t>(p_.functions.size());
    auto [it, added] = functions_.try_emplace({f.system_name, f.file, line.start_line}, next);
    if (!added) return it->second;
    f.id = ++last_id_;
    p_.functions.push_back(f);
    return next;
  }

  Profile& p_;
  std::map<std::tuple<profile::StringId, profile::StringId, uint32_t>, uint32_t> functions_;
  uint64_t last_id_ = 0;  ///< largest of all functions
  size_t named_ = 0;
};

class FileSymbolizer {
 public:
  FileSymbolizer(Profile& p, const FileReader& read, std::vector<std::string>& notes, bool matching_only)
      : p_(p), namer_(p), read_(read), notes_(notes), matching_only_(matching_only) {}

  size_t run() {
    // Locations by file and build id, so that a file that is mapped in pieces is read once.
    std::map<std::pair<profile::StringId, profile::StringId>, std::vector<uint32_t>> wanted;
    for (uint32_t i = 0; i < p_.locations.size(); ++i) {
      const profile::Location& l = p_.locations[i];
      if (l.line_count != 0 || l.mapping == profile::kNone || l.address == 0) continue;
      const profile::Mapping& m = p_.mappings[l.mapping];
      if (matching_only_ && m.build_id == 0) continue;
      if (may_be_file(p_.text(m.file))) wanted[{m.file, m.build_id}].push_back(i);
    }
    for (const auto& [file, locations] : wanted) {
      std::string path(p_.text(file.first));
      Status done = name_locations(path, std::string(p_.text(file.second)), locations);
      if (!done) notes_.push_back(path + ": " + done.error().message);
    }
    return namer_.named();
  }

 private:
  Status name_locations(const std::string& path, const std::string& build_id, const std::vector<uint32_t>& locations) {
    WF_ASSIGN(std::string bytes, read_(path));
    WF_ASSIGN(binaries::ElfFile elf, binaries::ElfFile::parse(as_bytes(bytes)));
    std::string found = elf.build_id();
    if (!build_id.empty() && found != build_id) {
      return fail(ErrorCode::kNotFound, "is another build now (" + found + ", not " + build_id + ")");
    }
    if (build_id.empty()) notes_.push_back(path + ": taken as it is now, the profile has no build id");
    auto code = elf.code_segments();
    std::vector<uint64_t> addresses;
    for (uint32_t l : locations) {
      addresses.push_back(address_in_file(p_.mappings[p_.locations[l].mapping], p_.locations[l].address, code));
    }
    WF_ASSIGN(auto answers, binaries::symbolize(as_bytes(bytes), addresses));
    if (std::ranges::any_of(answers, [](const auto& a) { return a.lines.empty(); }) && found.size() > 2)
      add_from_debug_file(found, addresses, answers);
    for (size_t i = 0; i < answers.size(); ++i) namer_.set_lines(p_.locations[locations[i]], answers[i].lines);
    return {};
  }

  /// What a distribution stripped off its files lies where build ids lead; it is rarely installed.
  void add_from_debug_file(const std::string& build_id, const std::vector<uint64_t>& addresses,
                           std::vector<SymbolAnswer>& answers) {
    auto bytes = read_("/usr/lib/debug/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug");
    if (!bytes) return;
    auto elf = binaries::ElfFile::parse(as_bytes(*bytes));
    if (!elf || elf->build_id() != build_id) return;
    auto more = binaries::symbolize(as_bytes(*bytes), addresses);
    for (size_t i = 0; more && i < answers.size(); ++i)
      if (answers[i].lines.empty()) answers[i] = std::move((*more)[i]);
  }

  Profile& p_;
  LocationNamer namer_;
  const FileReader& read_;
  std::vector<std::string>& notes_;
  bool matching_only_;
};

constexpr std::string_view kKernelFile = "[kernel.kallsyms]";

/// "ext4" of "[ext4]" and of "/lib/modules/.../ext4.ko.xz"; "" of what is no module.
std::string module_name(std::string_view file) {
  if (file.starts_with('[') && file.ends_with(']')) return std::string(file.substr(1, file.size() - 2));
  size_t end = file.find(".ko");
  if (!file.starts_with('/') || end == std::string_view::npos) return "";
  size_t start = file.rfind('/', end) + 1;
  std::string name(file.substr(start, end - start));
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace

size_t symbolize_kernel(Profile& p, const KernelReader& read, std::vector<std::string>& notes) {
  auto is_kernel = [&](const profile::Mapping& m) { return p.text(m.file).starts_with(kKernelFile); };
  auto mapping = std::ranges::find_if(p.mappings, is_kernel);
  if (mapping == p.mappings.end()) return 0;
  const profile::Mapping kernel = *mapping;
  auto is_wanted = [&](const profile::Location& l) { return l.line_count == 0 && l.mapping != profile::kNone; };
  if (std::ranges::none_of(p.locations,
                           [&](const auto& l) { return is_wanted(l) && is_kernel(p.mappings[l.mapping]); }))
    return 0;

  auto note = [&](const std::string& text) { notes.push_back(std::string(kKernelFile) + ": " + text); };
  auto running = read();
  if (!running) {
    note(running.error().text());
    return 0;
  }
  const auto& [symbols, build_id] = **running;
  if (kernel.build_id == 0) {
    note("taken as it is now, the profile has no build id");
  } else if (p.text(kernel.build_id) != build_id) {
    note("is another build now (" + build_id + ", not " + std::string(p.text(kernel.build_id)) + ")");
    return 0;
  }
  uint64_t shift = symbols.modules()[0].start - kernel.start;
  LocationNamer namer(p);
  for (profile::Location& l : p.locations) {
    if (!is_wanted(l)) continue;
    const profile::Mapping& m = p.mappings[l.mapping];
    Kallsyms::Found found = symbols.find(l.address + shift);
    const std::string& module = symbols.modules()[found.module].name;
    bool matches = found.module == 0 ? is_kernel(m) : shift == 0 && module_name(p.text(m.file)) == module;
    if (found.name.empty() || !matches) continue;
    SymbolLine line;
    line.name = line.system_name = found.name;
    namer.set_lines(l, {line});
  }
  return namer.named();
}

size_t symbolize_from_files(Profile& p, const FileReader& read, std::vector<std::string>& notes, bool matching_only) {
  return FileSymbolizer(p, read, notes, matching_only).run();
}

}  // namespace watchfire::converters
