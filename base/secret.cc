#include "base/secret.h"

#include <algorithm>

#include "base/fd.h"

namespace watchfire {
namespace {

constexpr size_t kMaxSecretBytes = 4096;
constexpr std::string_view kReplacement = "[secret]";
constexpr std::string_view kWhiteSpace = " \t\r\n";

}  // namespace

Result<Secret> Secret::from_file(const std::string& path) {
  auto text = read_file(path, kMaxSecretBytes);
  if (!text) return fail(std::move(text).error().with(path));
  size_t begin = text->find_first_not_of(kWhiteSpace);
  if (begin == std::string::npos) return fail(ErrorCode::kInvalidArgument, path + " is empty");
  Secret secret;
  secret.value_ = text->substr(begin, text->find_last_not_of(kWhiteSpace) + 1 - begin);
  bool printable = std::ranges::all_of(secret.value_, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!printable)
    return fail(Error(ErrorCode::kInvalidArgument, path + " holds white space or control characters")
                    .hinted("it must hold one key and nothing else"));
  return secret;
}

std::string Secret::redacted(std::string_view text) const {
  std::string out(text);
  if (value_.empty()) return out;
  for (size_t at = 0; (at = out.find(value_, at)) != std::string::npos; at += kReplacement.size())
    out.replace(at, value_.size(), kReplacement);
  return out;
}

}  // namespace watchfire
