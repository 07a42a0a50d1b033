#pragma once

#include <string_view>

#include "base/config_tree.h"

namespace watchfire {

/// Parses JSON text into the same tree that configuration becomes, so that ObjectReader can read it strictly. At most
/// 32 levels deep. Numbers, true and false keep their text; strings lose their quotes, so "1" and 1 read alike.
/// Errors: kInvalidArgument with where in the text it breaks.
Result<ConfigValue> parse_json(std::string_view text);

}  // namespace watchfire
