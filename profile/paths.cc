#include "profile/paths.h"

namespace watchfire::profile {

std::string_view base_name(std::string_view path) {
  if (path.empty()) return ".";
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/") return path;
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string clean_path(std::string_view path) {
  if (path.empty()) return ".";
  bool rooted = path.starts_with('/');
  std::vector<std::string_view> kept;
  size_t at = 0;
  while (at < path.size()) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string_view part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!kept.empty() && kept.back() != "..") {
        kept.pop_back();
        continue;
      }
      if (rooted) continue;
    }
    kept.push_back(part);
  }
  std::string clean = rooted ? "/" : "";
  for (std::string_view part : kept) {
    if (clean.size() > (rooted ? 1u : 0u)) clean += '/';
    clean += part;
  }
  return clean.empty() ? "." : clean;
}

std::vector<std::string_view> split_path_list(std::string_view list) {
  std::vector<std::string_view> parts;
  if (list.empty()) return parts;
  for (size_t at = 0; at <= list.size();) {
    size_t end = std::min(list.find(':', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::string_view trim_source_path(std::string_view path, std::string_view trim_path, std::string_view search_path) {
  if (trim_path.empty()) {
    for (std::string_view dir : split_path_list(search_path)) {
      std::string wanted = "/" + std::string(base_name(dir)) + "/";
      if (size_t found = path.find(wanted); found != std::string_view::npos) return path.substr(found + wanted.size());
    }
  }
  std::vector<std::string_view> prefixes = split_path_list(trim_path);
  prefixes.insert(prefixes.end(), {"/proc/self/cwd/./", "/proc/self/cwd/"});
  for (std::string_view prefix : prefixes) {
    bool slash = prefix.ends_with('/');
    if (!path.starts_with(prefix)) continue;
    if (slash) return path.substr(prefix.size());
    if (path.size() > prefix.size() && path[prefix.size()] == '/') return path.substr(prefix.size() + 1);
  }
  return path;
}

}  // namespace watchfire::profile
