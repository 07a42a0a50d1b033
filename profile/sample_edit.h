#pragma once

#include <vector>

#include "profile/profile.h"
#include "profile/wrapping.h"

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

}  // namespace watchfire::profile
