#pragma once

#include <vector>

#include "profile/profile.h"

namespace watchfire::profile {

/// Removes the samples for which `keep` (one flag a sample) is false; order stays.
void keep_samples(Profile& p, const std::vector<bool>& keep);

/// Replaces all stacks: sample stack s becomes replacement[s] of `stacks`; samples whose replacement is kNone go.
void replace_stacks(Profile& p, SpanTable<uint32_t> stacks, const std::vector<uint32_t>& replacement);

/// As replace_stacks, for label sets.
void replace_label_sets(Profile& p, SpanTable<Label> sets, const std::vector<uint32_t>& replacement);

/// Gives every sample the string label key=value and no other value of that key.
void set_label(Profile& p, std::string_view key, std::string_view value);

/// Removes the string labels of this key from all samples.
void remove_label(Profile& p, std::string_view key);

/// Whether label set `set` has the string label key=value.
bool has_label(const Profile& p, uint32_t set, std::string_view key, std::string_view value);

/// Sum as two's complement, without the undefined behaviour of an overflow.
inline int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
/// |v|, where |INT64_MIN| is INT64_MIN.
inline int64_t wrapping_abs(int64_t v) {
  return v < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(v)) : v;
}
/// v as an integer, truncated; what does not fit, and NaN, become INT64_MIN as on x86.
inline int64_t truncated(double v) {
  return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? static_cast<int64_t>(v) : INT64_MIN;
}

}  // namespace watchfire::profile
