#include "cli/profile_sources.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <future>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "base/fd.h"
#include "cli/go_text.h"
#include "cli/limit_flags.h"
#include "cli/local_names.h"
#include "cli/profile_url.h"
#include "cli/stored_profile.h"
#include "converters/decode_any.h"
#include "converters/pprof/inflate.h"
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
Result<std::string> read_store(std::string_view wanted, const SourceOptions& options) {
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
  agent::ApiClient client(options.socket.empty() ? agent::ApiClient::default_socket() : options.socket);
  std::vector<std::string> notes;
  auto bytes = fetch_stored(client, params, notes);
  for (const std::string& note : notes) options.say(note);
  return bytes;
}

Result<std::string> read_url(const ProfileUrl& url, const SourceOptions& options) {
  options.say("Fetching profile over HTTP from " + url.url);
  if (url.seconds > 0) options.say("Please wait... (" + go_seconds(url.seconds) + ")");
  return fetch_profile(url, options.tls, options.limits.compressed_bytes);
}

size_t most_bytes(const SourceOptions& options) {
  return std::max(options.limits.compressed_bytes, options.limits.decompressed_bytes);
}

Result<std::string> read_named_file(const std::string& path, const SourceOptions& options) {
  struct stat st{};
  if (stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
    return fail(
        Error(ErrorCode::kInvalidArgument, "is a directory").hinted("name its files, or a pattern such as 'DIR/*'"));
  auto bytes = read_file(path, most_bytes(options));
  // The name was wrong, or the disk; that is not the same as finding nothing, or a daemon that does not answer.
  bool is_limit = !bytes && bytes.error().code == ErrorCode::kResourceExhausted;
  if (!bytes && !is_limit) return fail(ErrorCode::kInvalidArgument, bytes.error().message);
  return bytes;
}

Result<Profile> read_source(const std::string& name, const SourceOptions& options,
                            converters::Tables tables = converters::Tables::kDistinct) {
  Result<std::string> bytes = std::string();
  ProfileUrl url;
  if (name == "-") {
    bytes = read_fd(STDIN_FILENO, most_bytes(options));
  } else if (name.starts_with(kStore) && !exists(name)) {
    bytes = read_store(std::string_view(name).substr(kStore.size()), options);
  } else if (exists(name) || (url = make_profile_url(name, options.seconds, options.timeout)).url.empty()) {
    bytes = read_named_file(name, options);
  } else {
    bytes = read_url(url, options);
  }
  if (!bytes) return fail(std::move(bytes).error());
  return decode_source(*bytes, options, url.url, tables);
}

/// Some of the names, read and merged.
struct Chunk {
  Result<Profile> profile = Profile();  ///< of those that could be read
  size_t read = 0;
  bool remote = false;
  std::vector<std::string> notes;
  ErrorCode failure = ErrorCode::kInvalidArgument;  ///< of the last one that could not
};

/// Those over HTTP are read at once.
Chunk read_chunk(std::span<const std::string> names, const SourceOptions& options) {
  Chunk chunk;
  std::vector<std::future<Result<Profile>>> reading;
  for (const std::string& name : names) {
    auto policy = is_remote(name) ? std::launch::async : std::launch::deferred;
    reading.push_back(std::async(policy, [&] { return read_source(name, options); }));
  }
  std::vector<Profile> profiles;
  for (size_t i = 0; i < names.size(); ++i) {
    auto p = reading[i].get();
    if (p) {
      chunk.remote = chunk.remote || is_remote(names[i]);
      profiles.push_back(*std::move(p));
    } else {
      chunk.notes.push_back(names[i] + ": " + p.error().text());
      chunk.failure = p.error().code;
    }
  }
  chunk.read = profiles.size();
  if (!profiles.empty()) chunk.profile = combine(std::move(profiles));
  return chunk;
}

bool same_type(const Profile& a, const profile::ValueType& x, const Profile& b, const profile::ValueType& y) {
  return a.text(x.type) == b.text(y.type) && a.text(x.unit) == b.text(y.unit);
}

/// Whether bringing them to common types and units would change nothing.
bool same_types(const Profile& a, const Profile& b) {
  if (!same_type(a, a.period_type, b, b.period_type) || a.sample_types.size() != b.sample_types.size()) return false;
  std::set<std::string_view> names;
  for (size_t t = 0; t < a.sample_types.size(); ++t)
    if (!same_type(a, a.sample_types[t], b, b.sample_types[t]) || !names.insert(a.text(a.sample_types[t].type)).second)
      return false;
  return true;
}

/// As read_chunk, but merges files as they come and holds one at a time. Nothing when their types differ.
std::optional<Chunk> read_equal_files(std::span<const std::string> names, const SourceOptions& options) {
  Chunk chunk;
  Profile first;
  profile::Merger merger;
  for (const std::string& name : names) {
    // One that ends up alone stays as it is.
    auto p =
        read_source(name, options, chunk.read == 0 ? converters::Tables::kDistinct : converters::Tables::kAsOnWire);
    if (!p) {
      chunk.notes.push_back(name + ": " + p.error().text());
      chunk.failure = p.error().code;
      continue;
    }
    if (++chunk.read == 1) {
      first = *std::move(p);
      continue;
    }
    if (!same_types(first, *p)) return std::nullopt;
    if (chunk.read == 2 && !merger.add(first)) return std::nullopt;
    if (!merger.add(*p)) return std::nullopt;
  }
  chunk.profile = chunk.read > 1 ? merger.finish() : std::move(first);
  return chunk;
}

/// Unlike a pipe it can be read again.
bool is_regular_file(const std::string& path) {
  struct stat st{};
  return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
}

Chunk read_any_chunk(std::span<const std::string> names, const SourceOptions& options) {
  if (names.size() > 1 && std::ranges::all_of(names, is_regular_file))
    if (auto chunk = read_equal_files(names, options)) return *std::move(chunk);
  return read_chunk(names, options);
}

/// Chunks of about equal size are read by a few threads and taken in order.
class ChunkReader {
 public:
  ChunkReader(std::span<const std::string> names, const SourceOptions& options) : names_(names), options_(options) {
    if (names.size() <= kChunk) return;
    threads_ = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
    size_t rounds = (names.size() + kChunk * threads_ - 1) / (kChunk * threads_);
    chunk_ = (names.size() + rounds * threads_ - 1) / (rounds * threads_);
  }

  bool is_at_end() const { return names_.empty() && reading_.empty(); }
  Chunk next() {
    auto policy = threads_ > 1 ? std::launch::async : std::launch::deferred;
    while (!names_.empty() && reading_.size() < threads_) {
      auto part = names_.first(std::min(chunk_, names_.size()));
      names_ = names_.subspan(part.size());
      reading_.push_back(std::async(policy, [part, this] { return read_any_chunk(part, options_); }));
    }
    Chunk first = reading_.front().get();
    reading_.pop_front();
    return first;
  }

 private:
  static constexpr size_t kMostThreads = 4;
  std::span<const std::string> names_;
  const SourceOptions& options_;
  size_t threads_ = 1;
  size_t chunk_ = kChunk;
  std::deque<std::future<Chunk>> reading_;
};

}  // namespace

Result<Profile> decode_source(std::string_view bytes, const SourceOptions& options, const std::string& url,
                              converters::Tables tables) {
  auto format = converters::FileFormat::kPprof;
  converters::DecodeAnyOptions any{.tables = tables, .use_threads = true, .format = &format};
  if (options.symbolize && url.empty())
    any.runtime_names = [&](std::string_view data) { return runtime_names(data, options.limits, options.say); };
  auto p = converters::decode_any(bytes, options.limits, any);
  if (!p) return fail(with_limit_flag(std::move(p).error()));
  complete_mappings(*p, options, url);
  bool has_addresses_only = format == converters::FileFormat::kPerfData || format == converters::FileFormat::kLegacy;
  if (options.symbolize && has_addresses_only) name_from_programs(*p, !url.empty(), options.say);
  if (options.symbolize && url.empty() && format == converters::FileFormat::kPerfData)
    name_from_kernel(*p, options.say);
  return p;
}

Result<std::vector<converters::PerfProcess>> read_processes(const std::string& path, const SourceOptions& options) {
  auto bytes = read_named_file(path, options);
  if (!bytes) return fail(std::move(bytes).error().with(path));
  auto inflated = converters::inflate_profile(*bytes, options.limits);
  if (!inflated) return fail(with_limit_flag(std::move(inflated).error()));
  if (!converters::is_perf_data(inflated->bytes))
    return fail(ErrorCode::kUnsupported, path + ": is no perf.data file, which alone tells processes apart");
  converters::PerfSymbols names = runtime_names(inflated->bytes, options.limits, options.say);
  auto processes = converters::decode_perf_processes(inflated->bytes, {.symbols = &names}, options.limits);
  if (!processes) return fail(with_limit_flag(std::move(processes).error()));
  std::set<std::string, std::less<>> said;  // the same file for each process
  auto say_once = [&](std::string_view line) {
    if (said.emplace(line).second) options.say(line);
  };
  for (converters::PerfProcess& process : *processes) {
    name_from_programs(process.profile, false, say_once);
    name_from_kernel(process.profile, say_once);
  }
  return processes;
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
  if (!is_regular_file(path)) return false;  // what is read of a pipe is gone
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
  for (ChunkReader chunks(names, options); !chunks.is_at_end();) {
    Chunk chunk = chunks.next();
    notes.insert(notes.end(), chunk.notes.begin(), chunk.notes.end());
    if (!chunk.notes.empty()) failure = chunk.failure;
    if (chunk.read == 0) continue;
    result.remote = result.remote || chunk.remote;
    WF_ASSIGN(Profile merged, std::move(chunk.profile));
    if (read != 0) {
      std::vector<Profile> both;
      both.push_back(std::move(result.profile));
      both.push_back(std::move(merged));
      WF_ASSIGN(merged, combine(std::move(both)));
    }
    result.profile = std::move(merged);
    read += chunk.read;
  }
  if (read == 0) return fail(failure, "failed to fetch any " + kind + " profiles");
  if (read != names.size())
    notes.push_back("Fetched " + std::to_string(read) + " " + kind + " profiles out of " +
                    std::to_string(names.size()));
  return result;
}

}  // namespace watchfire::cli
