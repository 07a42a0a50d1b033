#pragma once

#include <string>
#include <string_view>

namespace watchfire::profile {

/// Lines of cells that end in tabs, as right-aligned columns one blank apart. A column reaches over consecutive
/// lines that have it; text after a line's last tab belongs to none. The last line may lack its '\n'.
std::string align_right(std::string_view text);

}  // namespace watchfire::profile
