#include "binaries/demangle.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "binaries/rust_demangle.h"

namespace watchfire::binaries {
namespace {

std::string cut(std::string text) {
  if (text.size() > kMaxDemangled) {
    text.resize(kMaxDemangled - 3);
    text += "...";
  }
  return text;
}

std::optional<std::string> demangle_itanium(const std::string& name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> out(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0 || !out) return std::nullopt;
  return std::string(out.get());
}

}  // namespace

std::string demangle(std::string_view name) {
  name = name.substr(0, name.find('@') == 0 ? name.size() : name.find('@'));
  if (name.size() > kMaxMangled) return cut(std::string(name));
  if (auto rust = demangle_rust(name)) return cut(*std::move(rust));
  if (!name.starts_with("_Z")) return cut(std::string(name));
  // Parts a compiler split off a function: "_Zfoo.cold", ".part.0", ".llvm.123".
  size_t dot = name.find('.');
  auto plain = demangle_itanium(std::string(name.substr(0, dot)));
  if (!plain) return cut(std::string(name));
  std::string suffix = dot == std::string_view::npos ? "" : " [clone " + std::string(name.substr(dot)) + "]";
  return cut(*plain + suffix);
}

}  // namespace watchfire::binaries
