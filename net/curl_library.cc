#include "net/curl_library.h"

#include <dlfcn.h>

#include <string>

namespace watchfire::net {
namespace {

struct Loaded {
  CurlLibrary curl;
  std::string problem;

  Loaded() {
    void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      problem = ::dlerror();
      return;
    }
    auto find = [&](auto& function, const char* name) {
      void* found = ::dlsym(library, name);
      if (found == nullptr) problem = std::string("no ") + name;
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(found);
    };
#define WF_CURL_FIND(NAME) find(curl.NAME, "curl_" #NAME);
    WF_CURL_FUNCTIONS(WF_CURL_FIND)
#undef WF_CURL_FIND
    if (problem.empty() && curl.global_init(CURL_GLOBAL_ALL) != CURLE_OK) problem = "it cannot be initialized";
  }
};

const Loaded& loaded() {
  static const Loaded once;
  return once;
}

}  // namespace

Status CurlLibrary::load() {
  if (loaded().problem.empty()) return {};
  return fail(Error(ErrorCode::kUnavailable, "libcurl.so.4: " + loaded().problem).hinted("install libcurl4"));
}

const CurlLibrary& CurlLibrary::get() {
  return loaded().curl;
}

}  // namespace watchfire::net
