#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace watchfire::net {

/// libcurl, loaded when the first request is made: forty libraries come with it, and a command that reads a file need
/// not wait for them. Loaded once and for good; thread-safe. Members are curl's functions without their prefix.
struct CurlLibrary {
#define WF_CURL_FUNCTIONS(X)                                                                                         \
  X(global_init)                                                                                                     \
  X(free) X(slist_append) X(slist_free_all) X(url) X(url_cleanup) X(url_get) X(url_set) X(easy_init) X(easy_cleanup) \
      X(easy_setopt) X(easy_getinfo) X(easy_perform) X(easy_strerror) X(multi_init) X(multi_cleanup) X(multi_setopt) \
          X(multi_add_handle) X(multi_remove_handle) X(multi_perform) X(multi_info_read) X(multi_poll) X(multi_wakeup)
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#define WF_CURL_MEMBER(NAME) decltype(&curl_##NAME) NAME = nullptr;
  WF_CURL_FUNCTIONS(WF_CURL_MEMBER)
#undef WF_CURL_MEMBER

  /// kUnavailable when it is not there, or not the one this was built for.
  static Status load();
  /// After load() succeeded.
  static const CurlLibrary& get();
};

}  // namespace watchfire::net
