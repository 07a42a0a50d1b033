#include <array>
#include <unordered_map>

#include "base/keyed_hash.h"
#include "converters/legacy/parsers.h"

namespace watchfire::converters {
namespace {

/// Reads words of one size and byte order; past the end it gives zeros and `ended()`.
class WordReader {
 public:
  WordReader(std::string_view bytes, size_t size, bool big_endian) : rest_(bytes), size_(size), big_(big_endian) {}

  uint64_t next() {
    if (ended_ || rest_.size() < size_) {
      ended_ = true;
      rest_ = {};
      return 0;
    }
    uint64_t word = 0;
    for (size_t i = 0; i < size_; ++i) {
      auto byte = static_cast<unsigned char>(rest_[big_ ? i : size_ - 1 - i]);
      word = word << 8 | byte;
    }
    rest_.remove_prefix(size_);
    return word;
  }
  bool ended() const { return ended_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  size_t size_;
  bool big_;
  bool ended_ = false;
};

int64_t wrapping_multiply(uint64_t a, uint64_t b) {
  return static_cast<int64_t>(a * b);
}

/// Records of count, depth, addresses, until count 0, depth 1, address 0. A missing end is tolerated.
Status parse_samples(WordReader& words, bool return_addresses, int64_t period, LegacyDraft& draft) {
  std::vector<uint64_t> stack;
  while (!words.rest().empty()) {
    uint64_t count = words.next();
    uint64_t depth = words.next();
    if (words.ended() || depth > words.rest().size() / 4) return unrecognized();
    if (depth > 0 && draft.sample_count() == 0 && depth > (1 << 24)) return unrecognized();
    stack.resize(depth);
    for (uint64_t& address : stack) address = words.next();
    if (count == 0 && depth == 1 && stack[0] == 0) break;
    int64_t values[] = {static_cast<int64_t>(count), wrapping_multiply(count, static_cast<uint64_t>(period))};
    WF_TRY(draft.begin_sample(values));
    for (size_t i = 0; i < stack.size(); ++i) WF_TRY(draft.add_frame(stack[i] - (return_addresses && i > 0 ? 1 : 0)));
  }
  return {};
}

/// Takes out the frame after the leaf when nearly all samples share it: the signal handler put it there.
void remove_handler_frame(LegacyDraft& draft) {
  size_t n = draft.sample_count();
  std::unordered_map<uint64_t, size_t, KeyedHash> counts;
  for (size_t i = 0; i < n; ++i) {
    auto stack = draft.stack(i);
    if (stack.size() > 1) ++counts[draft.address(stack[1])];
  }
  for (const auto& [address, count] : counts) {
    if (count < n - n / 32) continue;
    for (size_t i = 0; i < n; ++i) {
      auto stack = draft.stack(i);
      if (stack.size() > 1 && draft.address(stack[1]) == address) draft.remove_second_frame(i);
    }
    return;
  }
}

Result<profile::Profile> parse_words(WordReader words, uint64_t period_us, bool java, const DecodeLimits& limits) {
  auto period = wrapping_multiply(period_us, 1000);
  LegacyDraft draft(limits, 2);
  WF_TRY(parse_samples(words, !java, period, draft));
  if (java) {
    WF_TRY(name_java_locations(words.rest(), draft));
    draft.drop_addresses();
  } else {
    remove_handler_frame(draft);
    remove_handler_frame(draft);
    WF_TRY(draft.apply_memory_map(words.rest()));
    draft.remove_duplicate_leaves();
  }
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  profile::Profile p = draft.finish(kTypes);
  p.period = period;
  p.period_type = {p.strings.intern("cpu"), p.strings.intern("nanoseconds")};
  return p;
}

}  // namespace

Result<profile::Profile> parse_cpu(std::string_view bytes, const DecodeLimits& limits) {
  for (size_t size : {4, 8}) {
    for (bool big_endian : {false, true}) {
      WordReader words(bytes, size, big_endian);
      std::array<uint64_t, 5> header{};
      for (uint64_t& word : header) word = words.next();
      bool valid =
          !words.ended() && header[0] == 0 && header[1] == 3 && header[2] <= 1 && header[3] > 0 && header[4] == 0;
      if (valid) return parse_words(words, header[3], header[2] == 1, limits);
    }
  }
  return unrecognized();
}

}  // namespace watchfire::converters
