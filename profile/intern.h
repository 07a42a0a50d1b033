#pragma once

#include "base/intern.h"

namespace watchfire::profile {

using watchfire::SpanTable;
using watchfire::StringTable;

}  // namespace watchfire::profile
