#include "cli/profile_sources.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <span>

#include "agent/api_client.h"
#include "base/fd.h"
#include "cli/go_text.h"
#include "cli/limit_flags.h"
#include "cli/profile_url.h"
#include "converters/decode_any.h"
#include "profile/merge.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

constexpr size_t kChunk = 128;  // sources merged at a time
constexpr std::string_view kStore = "store:";

bool exists(const std::string& path) {
  struct stat st{};
  return stat(path.c_str(), &st) == 0;
}

/// Gives a profile without any mapping one that holds all its locations, and applies the overrides. `url` stands in for
/// the name of a file nobody knows, so that profiles of several programs stay apart while they are merged.
void complete_mappings(Profile& p, const SourceOptions& options, const std::string& url) {
  if (p.mappings.empty()) {
    p.mappings.push_back({.id = 1});
    for (profile::Location& l : p.locations) l.mapping = 0;
  }
  profile::Mapping& main = p.mappings[0];
  if (!options.executable.empty()) main.file = p.strings.intern(options.executable);
  if (!options.build_id.empty() && main.build_id == 0) main.build_id = p.strings.intern(options.build_id);
  if (url.empty()) return;
  for (profile::Mapping& m : p.mappings)
    if (m.build_id == 0 && m.file == 0) m.file = p.strings.intern(url);
}

/// What stands after "store:", asked of the daemon.
Result<std::string> read_store(std::string_view wanted, const std::string& socket) {
  agent::Params params;
  size_t at = wanted.rfind('@');
  size_t brace = wanted.rfind('}');
  if (at != std::string_view::npos && (brace == std::string_view::npos || at > brace)) {
    std::string range(wanted.substr(at + 1));
    wanted = wanted.substr(0, at);
    size_t dots = range.find("..");
    if (dots == std::string::npos) {
      params["since"] = range;
    } else {
      params["start"] = range.substr(0, dots);
      if (dots + 2 < range.size()) params["end"] = range.substr(dots + 2);
    }
  }
  params["selector"] = wanted;
  agent::ApiClient client(socket.empty() ? agent::ApiClient::default_socket() : socket);
  WF_ASSIGN(auto response, client.get("/api/v1/profile", params));
  return std::move(response.body);
}

Result<std::string> read_url(const ProfileUrl& url, const SourceOptions& options) {
  options.say("Fetching profile over HTTP from " + url.url);
  if (url.seconds > 0) options.say("Please wait... (" + go_seconds(url.seconds) + ")");
  return fetch_profile(url, options.tls, options.limits.compressed_bytes);
}

Result<Profile> read_source(const std::string& name, const SourceOptions& options) {
  size_t max_bytes = std::max(options.limits.compressed_bytes, options.limits.decompressed_bytes);
  Result<std::string> bytes = std::string();
  ProfileUrl url;
  if (name == "-") {
    bytes = read_fd(STDIN_FILENO, max_bytes);
  } else if (name.starts_with(kStore) && !exists(name)) {
    bytes = read_store(std::string_view(name).substr(kStore.size()), options.socket);
  } else if (exists(name) || (url = make_profile_url(name, options.seconds, options.timeout)).url.empty()) {
    bytes = read_file(name, max_bytes);
    // The name was wrong; that is not the same as finding nothing.
    if (!bytes && bytes.error().code == ErrorCode::kNotFound)
      bytes = fail(ErrorCode::kInvalidArgument, bytes.error().message);
  } else {
    bytes = read_url(url, options);
  }
  if (!bytes) return fail(std::move(bytes).error());
  return decode_source(*bytes, options, url.url);
}

/// Reads one chunk of names, those over HTTP at once.
std::vector<Profile> read_chunk(std::span<const std::string> names, const SourceOptions& options,
                                std::vector<std::string>& notes, SourcesRead& result, ErrorCode& failure) {
  std::vector<std::future<Result<Profile>>> reading;
  for (const std::string& name : names) {
    auto policy = is_remote(name) ? std::launch::async : std::launch::deferred;
    reading.push_back(std::async(policy, [&] { return read_source(name, options); }));
  }
  std::vector<Profile> profiles;
  for (size_t i = 0; i < names.size(); ++i) {
    auto p = reading[i].get();
    if (p) {
      result.remote = result.remote || is_remote(names[i]);
      profiles.push_back(*std::move(p));
    } else {
      notes.push_back(names[i] + ": " + p.error().text());
      failure = p.error().code;
    }
  }
  return profiles;
}

}  // namespace

Result<Profile> decode_source(std::string_view bytes, const SourceOptions& options, const std::string& url) {
  auto p = converters::decode_any(bytes, options.limits);
  if (!p) return fail(with_limit_flag(std::move(p).error()));
  complete_mappings(*p, options, url);
  return p;
}

std::vector<std::string> expand_sources(const std::vector<std::string>& names) {
  std::vector<std::string> expanded;
  for (const std::string& name : names) {
    glob_t found{};
    bool pattern = name.find_first_of("*?[") != std::string::npos && !name.starts_with(kStore) && !exists(name) &&
                   make_profile_url(name, 0, 0).url.empty();
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

bool is_remote(const std::string& name) {
  return name != "-" && !name.starts_with(kStore) && !exists(name) && !make_profile_url(name, 0, 0).url.empty();
}

Result<SourcesRead> read_sources(const std::vector<std::string>& names, const SourceOptions& options,
                                 std::vector<std::string>& notes) {
  SourcesRead result;
  std::string kind(options.kind);
  ErrorCode failure = ErrorCode::kInvalidArgument;
  size_t read = 0;
  for (size_t start = 0; start < names.size(); start += kChunk) {
    size_t end = std::min(start + kChunk, names.size());
    std::vector<Profile> chunk =
        read_chunk(std::span(names).subspan(start, end - start), options, notes, result, failure);
    if (chunk.empty()) continue;
    size_t in_chunk = chunk.size();
    WF_ASSIGN(Profile merged, combine(std::move(chunk)));
    if (read != 0) {
      std::vector<Profile> both;
      both.push_back(std::move(result.profile));
      both.push_back(std::move(merged));
      WF_ASSIGN(merged, combine(std::move(both)));
    }
    result.profile = std::move(merged);
    read += in_chunk;
  }
  if (read == 0) return fail(failure, "failed to fetch any " + kind + " profiles");
  if (read != names.size())
    notes.push_back("Fetched " + std::to_string(read) + " " + kind + " profiles out of " +
                    std::to_string(names.size()));
  return result;
}

}  // namespace watchfire::cli
