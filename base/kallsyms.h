#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace watchfire {

/// The text symbols of the running kernel and its modules, from /proc/kallsyms. About 8 MB. Immutable once read.
class Kallsyms {
 public:
  struct Module {
    std::string name;    ///< "" of the kernel itself
    uint64_t start = 0;  ///< address of its first symbol; of the kernel, where its text starts
  };
  struct Found {
    std::string_view name;  ///< valid as long as the object; "" when unknown
    size_t module = 0;      ///< index into modules()
  };

  /// kPermissionDenied: the kernel hides the addresses (all zero), CAP_SYSLOG is missing.
  static Result<Kallsyms> read(const std::string& proc_root);
  static Result<Kallsyms> parse(std::string_view text);

  Found find(uint64_t address) const;
  /// The first is the kernel.
  const std::vector<Module>& modules() const { return modules_; }
  size_t size() const { return symbols_.size(); }

 private:
  struct Symbol {
    uint64_t address;
    uint32_t name;    ///< offset into names_
    uint16_t length;  ///< of the name
    uint16_t module;  ///< index into modules_
  };

  std::vector<Symbol> symbols_;  ///< by address
  std::string names_;
  std::vector<Module> modules_;
};

}  // namespace watchfire
