#pragma once

#include <span>

#include "profile/profile.h"

namespace watchfire::profile {

/// Multiplies the values of each sample type by its ratio, rounding halves away from zero. Samples whose scaled
/// values (those with a ratio other than 1) all became 0 are dropped, as pprof does.
void scale_values(Profile& p, std::span<const double> ratios);
void scale_values(Profile& p, double ratio);

/// Scales each type of `p` so that its sum equals that of `base`; types must be equal.
Status normalize(Profile& p, const Profile& base);

/// Leaves in all profiles the sample types that all have, by type name, in the first one's order.
/// Fails when there is none.
Status keep_common_sample_types(std::span<Profile* const> profiles);

/// Brings equal types in different units of one family ("us", "ns") to the finest unit, periods too.
Status harmonize_units(std::span<Profile* const> profiles);

}  // namespace watchfire::profile
