#pragma once

#include "profile/profile.h"
#include "store/embedded/catalog.h"

namespace watchfire::store {

/// Gives names to the locations of `p` that have none, from the catalog's symbols by (build id, address).
void symbolize(Catalog& catalog, profile::Profile& p);

}  // namespace watchfire::store
