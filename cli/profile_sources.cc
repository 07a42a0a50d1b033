#include "cli/profile_sources.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "converters/decode_any.h"
#include "profile/merge.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

constexpr size_t kChunk = 128;  // sources merged at a time

bool exists(const std::string& path) {
  struct stat st{};
  return stat(path.c_str(), &st) == 0;
}

bool is_url(std::string_view name) {
  return name.starts_with("http://") || name.starts_with("https://");
}

/// Gives a profile without any mapping one that holds all its locations, and applies the overrides.
void complete_mappings(Profile& p, const SourceOptions& options) {
  if (p.mappings.empty()) {
    p.mappings.push_back({.id = 1});
    for (profile::Location& l : p.locations) l.mapping = 0;
  }
  profile::Mapping& main = p.mappings[0];
  if (!options.executable.empty()) main.file = p.strings.intern(options.executable);
  if (!options.build_id.empty() && main.build_id == 0) main.build_id = p.strings.intern(options.build_id);
}

Result<Profile> read_source(const std::string& name, const SourceOptions& options) {
  if (is_url(name) && !exists(name)) {
    return fail(Error(ErrorCode::kUnsupported, "reading from URLs is not supported")
                    .hinted("download the profile first, for example with curl"));
  }
  WF_ASSIGN(std::string bytes,
            read_file(name, std::max(options.limits.compressed_bytes, options.limits.decompressed_bytes)));
  WF_ASSIGN(Profile p, converters::decode_any(bytes, options.limits));
  complete_mappings(p, options);
  return p;
}

}  // namespace

std::vector<std::string> expand_sources(const std::vector<std::string>& names) {
  std::vector<std::string> expanded;
  for (const std::string& name : names) {
    glob_t found{};
    bool pattern = name.find_first_of("*?[") != std::string::npos && !is_url(name) && !exists(name);
    if (pattern && glob(name.c_str(), 0, nullptr, &found) == 0) {
      for (size_t i = 0; i < found.gl_pathc; ++i) expanded.emplace_back(found.gl_pathv[i]);
    } else {
      expanded.push_back(name);
    }
    globfree(&found);
  }
  return expanded;
}

bool is_object_file(const std::string& path) {
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return false;
  char magic[4] = {};
  return read(fd->get(), magic, sizeof magic) == sizeof magic && std::string_view(magic, 4) ==
                                                                     "\x7f"
                                                                     "ELF";
}

Result<Profile> combine(std::vector<Profile> profiles) {
  std::vector<Profile*> pointers;
  for (Profile& p : profiles) pointers.push_back(&p);
  WF_TRY(profile::keep_common_sample_types(pointers));
  WF_TRY(profile::harmonize_units(pointers));
  if (profiles.size() == 1) return std::move(profiles[0]);
  profile::Merger merger;
  for (Profile& p : profiles) {
    WF_TRY(merger.add(p));
    p = Profile();
  }
  return merger.finish();
}

Result<Profile> read_sources(const std::vector<std::string>& names, const SourceOptions& options,
                             std::vector<std::string>& notes) {
  std::vector<Profile> merged;  // what is read so far, at most one
  size_t read = 0;
  for (size_t start = 0; start < names.size(); start += kChunk) {
    std::vector<Profile> chunk;
    for (size_t i = start; i < std::min(start + kChunk, names.size()); ++i) {
      auto p = read_source(names[i], options);
      if (p) {
        chunk.push_back(*std::move(p));
      } else {
        notes.push_back(names[i] + ": " + p.error().text());
      }
    }
    if (chunk.empty()) continue;
    read += chunk.size();
    WF_ASSIGN(Profile of_chunk, combine(std::move(chunk)));
    merged.push_back(std::move(of_chunk));
    if (merged.size() == 1) continue;
    WF_ASSIGN(Profile all, combine(std::move(merged)));
    merged.clear();
    merged.push_back(std::move(all));
  }
  if (merged.empty()) return fail(ErrorCode::kNotFound, "failed to fetch any profiles");
  if (read != names.size()) {
    notes.push_back("Fetched " + std::to_string(read) + " profiles out of " + std::to_string(names.size()));
  }
  return std::move(merged[0]);
}

}  // namespace watchfire::cli
