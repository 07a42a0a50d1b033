#pragma once

#include <span>
#include <string>
#include <string_view>

namespace watchfire::cli {

/// The name that a misspelt word most likely means: the nearest by letters left out, added, exchanged or swapped with
/// their neighbour, when no more than a third of the word is wrong; "" when none is. Leading dashes do not count.
std::string nearest_name(std::string_view word, std::span<const std::string> names);

}  // namespace watchfire::cli
