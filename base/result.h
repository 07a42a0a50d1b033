#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace watchfire {

/// A value or an Error. Test it, then take `*r` or `r.error()`.
template <typename T>
using Result = std::expected<T, Error>;

/// Success without a value.
using Status = Result<void>;

/// Makes the error side of any Result: `return fail(ErrorCode::kCorrupt, "no string table");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace watchfire

#define WF_CONCAT_INNER(a, b) a##b
#define WF_CONCAT(a, b) WF_CONCAT_INNER(a, b)

/// Returns from the enclosing function with the error when `expr` (a Status or Result) failed.
#define WF_TRY(expr)                                                                                                   \
  do {                                                                                                                 \
    if (auto wf_status = (expr); !wf_status) return std::unexpected<::watchfire::Error>(std::move(wf_status).error()); \
  } while (false)

/// `WF_ASSIGN(auto fd, open_file(path));` takes the value, or returns the error from the enclosing function.
#define WF_ASSIGN(target, expr) WF_ASSIGN_INNER(WF_CONCAT(wf_result_, __COUNTER__), target, expr)
#define WF_ASSIGN_INNER(tmp, target, expr)                                      \
  auto tmp = (expr);                                                            \
  if (!tmp) return std::unexpected<::watchfire::Error>(std::move(tmp).error()); \
  target = *std::move(tmp)
