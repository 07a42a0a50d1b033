#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace watchfire::profile {

/// Takes a long text piece by piece, in order. False: no more is wanted, the writer ends as soon as it can.
using TextSink = std::function<bool(std::string_view)>;

/// The text being written: append to `text` and call `pass_on` now and then, `finish` at the end.
class TextPieces {
 public:
  explicit TextPieces(const TextSink& sink) : sink_(sink) {}

  std::string text;
  /// Hands over what has gathered when that is worth it. False: stop writing.
  bool pass_on() { return text.size() < kPiece || finish(); }
  bool finish() {
    wanted_ = wanted_ && sink_(text);
    text.clear();
    return wanted_;
  }

 private:
  static constexpr size_t kPiece = 256 << 10;
  const TextSink& sink_;
  bool wanted_ = true;
};

/// The whole text of a writer that takes a sink.
template <typename Write>
std::string collect_text(Write write) {
  std::string all;
  write([&all](std::string_view piece) {
    all += piece;
    return true;
  });
  return all;
}

}  // namespace watchfire::profile
