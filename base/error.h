#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace watchfire {

/// What kind of failure it is; callers branch on this, never on the message. The set is closed.
enum class ErrorCode : uint8_t {
  kInvalidArgument,    ///< the caller's input is wrong: a flag, a selector, a configuration key
  kNotFound,           ///< the named thing does not exist
  kPermissionDenied,   ///< rights are missing; the hint names them
  kUnavailable,        ///< a peer or the kernel can't do it now; trying again may help
  kCorrupt,            ///< bytes that don't follow their format
  kResourceExhausted,  ///< a limit was reached; the message names the limit
  kUnsupported,        ///< valid, but not something Watchfire does
  kCancelled,          ///< a deadline or a stop ended it
  kInternal,           ///< a defect of ours
};

/// Stable lower-case name, as the API prints it: "invalid_argument", "not_found" ...
std::string_view error_code_name(ErrorCode code);

/// Position in a text the user wrote: both count from 1, 0 means unknown.
struct TextPosition {
  int line = 0;
  int column = 0;
};

/// One failure as a value: a code to branch on, a sentence for people, a hint for the operator.
///
/// `message` is one line without a final stop. Context is added in front on the way up with
/// `with("opening /proc/42/maps")`, so a chain reads from the outside in. Bytes from outside may be in
/// the message: print it through an escaper like any other untrusted text.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string hint;
  TextPosition position;

  Error() = default;
  Error(ErrorCode c, std::string m) : code(c), message(std::move(m)) {}

  /// Puts `context: ` in front of the message.
  Error with(std::string_view context) &&;
  Error with(std::string_view context) const&;
  /// Sets the hint: what the operator can do about it.
  Error hinted(std::string hint) &&;
  /// Sets where in the user's text the failure lies.
  Error at(int line, int column) &&;
  /// "message (hint)", or the message alone.
  std::string text() const;
};

/// An error for a failed system call: code from `errno_value`, message "action: strerror".
Error system_error(int errno_value, std::string_view action);

}  // namespace watchfire
