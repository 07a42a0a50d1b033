#pragma once

#include <string>
#include <string_view>

namespace watchfire {

/// Bytes that came from a profile, a target, an ELF file, a model or the network.
///
/// It converts to no string by itself: only the escapers below turn it into output, each for one medium.
/// `raw()` is for comparing, hashing and storing, never for printing. Any bytes may be inside, also invalid
/// UTF-8, control characters and markup. Owns its bytes; safe to share between threads when const.
class UntrustedText {
 public:
  UntrustedText() = default;
  explicit UntrustedText(std::string bytes) : bytes_(std::move(bytes)) {}
  explicit UntrustedText(std::string_view bytes) : bytes_(bytes) {}
  explicit UntrustedText(const char* bytes) : bytes_(bytes) {}

  const std::string& raw() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  friend bool operator==(const UntrustedText&, const UntrustedText&) = default;
  friend auto operator<=>(const UntrustedText&, const UntrustedText&) = default;

 private:
  std::string bytes_;
};

/// Valid UTF-8 for a terminal or a log line: C0, DEL, C1 and invalid bytes become \xNN, bidirectional
/// overrides and line separators \u{NNNN}. The result has no line break.
std::string escape_terminal(std::string_view text);
/// One line of a log; as escape_terminal, cut to `max_bytes` with "..." on a UTF-8 border.
std::string escape_log(std::string_view text, size_t max_bytes = 512);
/// Text or attribute value of HTML and SVG: & < > " ' escaped, controls as in escape_terminal.
std::string escape_html(std::string_view text);
/// The inside of a JSON string: quotes, backslashes, controls, and < > & as \u003c so that it is inert within
/// a script element; invalid UTF-8 becomes U+FFFD.
std::string escape_json(std::string_view text);
/// A quoted JSON string.
std::string json_string(std::string_view text);
/// Slack mrkdwn inside a code span: & < > as entities, back-ticks replaced by U+02CB, controls by spaces,
/// cut to `max_bytes` on a character and entity border, with "..." at the end when cut.
std::string escape_mrkdwn(std::string_view text, size_t max_bytes = 300);
/// Markdown inside a code span: controls escaped, back-ticks replaced by U+02CB, | as &#124; for tables.
std::string escape_markdown(std::string_view text);
/// Text for a model: as escape_terminal, cut to `max_bytes`; the caller marks it as data.
std::string escape_prompt(std::string_view text, size_t max_bytes = 4096);

}  // namespace watchfire
