#include "profile/regex.h"

#include <re2/re2.h>

namespace watchfire::profile {
namespace {

using re2::RE2;

constexpr int64_t kMaxMemory = 16 << 20;

std::string_view reason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "internal error";
  }
}

}  // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  auto re = std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (re->ok()) return Regex(std::move(re));
  bool whole = re->error_code() == RE2::ErrorMissingParen || re->error_code() == RE2::ErrorUnexpectedParen;
  std::string where = whole ? std::string(pattern) : std::string(re->error_arg());
  if (re->error_code() == RE2::ErrorTrailingBackslash) where.clear();
  return fail(ErrorCode::kInvalidArgument,
              "error parsing regexp: " + std::string(reason(re->error_code())) + ": `" + where + "`");
}

bool Regex::matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *re_);
}

const std::string& Regex::pattern() const {
  return re_->pattern();
}

std::vector<std::string_view> Regex::groups(std::string_view text) const {
  std::vector<re2::StringPiece> pieces(static_cast<size_t>(re_->NumberOfCapturingGroups()) + 1);
  re2::StringPiece whole(text.data(), text.size());
  if (!re_->Match(whole, 0, text.size(), RE2::UNANCHORED, pieces.data(), static_cast<int>(pieces.size()))) return {};
  std::vector<std::string_view> groups;
  for (const auto& piece : pieces) groups.emplace_back(piece.data(), piece.size());
  return groups;
}

bool StringMatcher::matches(StringId id) {
  if (id >= known_.size()) known_.resize(profile_.strings.size(), 0);
  char& known = known_[id];
  if (known == 0) known = regex_.matches(profile_.text(id)) ? 2 : 1;
  return known == 2;
}

std::string quoted_pattern(std::string_view text) {
  constexpr std::string_view kSpecial = "\\.+*?()|[]{}^$";
  std::string out;
  for (char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace watchfire::profile
