#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace watchfire {

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

Error Error::with(std::string_view context) && {
  message.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

Error Error::with(std::string_view context) const& {
  return Error(*this).with(context);
}

Error Error::hinted(std::string h) && {
  hint = std::move(h);
  return std::move(*this);
}

Error Error::at(int line, int column) && {
  position = {line, column};
  return std::move(*this);
}

std::string Error::text() const {
  return hint.empty() ? message : message + " (" + hint + ")";
}

Error system_error(int errno_value, std::string_view action) {
  ErrorCode code = ErrorCode::kUnavailable;
  switch (errno_value) {
    case EPERM:
    case EACCES:
    case EROFS:
      code = ErrorCode::kPermissionDenied;
      break;
    case ENOENT:
    case ESRCH:
      code = ErrorCode::kNotFound;
      break;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
      code = ErrorCode::kResourceExhausted;
      break;
    case EINVAL:
      code = ErrorCode::kInvalidArgument;
      break;
    case ENOSYS:
    case EOPNOTSUPP:
      code = ErrorCode::kUnsupported;
      break;
    default:
      break;
  }
  return Error(code, std::string(action) + ": " + std::generic_category().message(errno_value));
}

}  // namespace watchfire
