#pragma once

#include <string_view>

namespace watchfire::converters {

/// page.html, page.css and page.js as the build found them, with the SHA-256 of the latter two in hex.
std::string_view page_html();
std::string_view page_css();
std::string_view page_js();
std::string_view page_css_sha256();
std::string_view page_js_sha256();

}  // namespace watchfire::converters
