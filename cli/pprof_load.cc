#include "cli/pprof_load.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <future>

#include "base/fd.h"
#include "cli/profile_sources.h"
#include "converters/demangle_names.h"
#include "converters/pprof/encode.h"
#include "profile/paths.h"
#include "profile/prune.h"
#include "profile/sample_edit.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

/// A mapping "file" that is a URL says where a profile came from, not what ran.
void remove_url_mappings(Profile& p) {
  for (profile::Mapping& m : p.mappings) {
    std::string_view file = p.text(m.file);
    size_t colon = file.find(':');
    if (m.build_id != 0 || colon == 0 || colon == std::string_view::npos) continue;
    bool scheme = (file[0] | 0x20) >= 'a' && (file[0] | 0x20) <= 'z';
    for (char c : file.substr(0, colon)) {
      bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
      scheme = scheme && (letter || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.');
    }
    if (scheme) m.file = 0;
  }
}

Result<Profile> subtract_base(Profile p, Profile base, const PprofOptions& options) {
  if (options.diff_base) profile::set_label(base, "pprof::base", "true");
  if (options.config.normalize) WF_TRY(profile::normalize(p, base));
  profile::scale_values(base, -1);
  std::vector<Profile> both;
  both.push_back(std::move(p));
  both.push_back(std::move(base));
  return combine(std::move(both));
}

/// Whether -symbolize lets files of this machine name addresses.
bool wants_local_names(std::string_view option) {
  std::string words = ":" + std::string(option) + ":";
  for (char& c : words) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto has = [&](std::string_view word) { return words.find(":" + std::string(word) + ":") != std::string::npos; };
  if (has("none") || has("no")) return false;
  return !has("remote") || has("local") || has("fastlocal");
}

/// -symbolize: only what concerns names that are there.
void apply_symbolize(Profile& p, std::string_view option, std::vector<std::string>& notes) {
  auto mode = converters::DemangleMode::kDefault;
  bool force = false;
  for (size_t at = 0; at < option.size();) {
    size_t end = std::min(option.find(':', at), option.size());
    std::string word(option.substr(at, end - at));
    for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    at = end + 1;
    if (word == "none" || word == "no") return;
    bool demangle = word == "demangle=full" || word == "demangle=none" || word == "demangle=templates";
    if (word == "force" || demangle) force = true;
    if (word == "demangle=full") mode = converters::DemangleMode::kFull;
    if (word == "demangle=none") mode = converters::DemangleMode::kNone;
    if (word == "demangle=templates") mode = converters::DemangleMode::kTemplates;
    bool known = demangle || word == "force" || word == "demangle=default" || word == "local" || word == "fastlocal" ||
                 word == "remote" || word.empty();
    if (!known) notes.push_back("ignoring unrecognized symbolization option: " + std::string(option));
  }
  converters::demangle_names(p, mode, force);
}

/// Where pprof keeps what it fetched.
Result<std::string> save_directory(std::vector<std::string>& notes) {
  std::vector<std::string> candidates;
  if (const char* own = std::getenv("PPROF_TMPDIR"); own != nullptr && *own != 0) candidates.emplace_back(own);
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    candidates.push_back(std::string(home) + "/pprof");
  const char* temporary = std::getenv("TMPDIR");
  candidates.emplace_back(temporary != nullptr && *temporary != 0 ? temporary : "/tmp");
  for (const std::string& directory : candidates) {
    Status made = make_directories(directory);
    if (made) return directory;
    notes.push_back("Could not use temp dir " + directory + ": " + made.error().message);
  }
  return fail(ErrorCode::kNotFound, "failed to identify temp dir");
}

/// Keeps a copy of a fetched profile; failing is only worth a note.
Status save_copy(const Profile& p, std::vector<std::string>& notes) {
  WF_ASSIGN(std::string directory, save_directory(notes));
  std::string prefix = "pprof.";
  if (!p.mappings.empty() && p.mappings[0].file != 0)
    prefix += std::string(profile::base_name(p.text(p.mappings[0].file))) + ".";
  for (const profile::ValueType& t : p.sample_types) prefix += std::string(p.text(t.type)) + ".";
  for (char& c : prefix) c = c == '/' ? '_' : c;
  std::string path;
  auto file = make_numbered_file(directory, prefix, ".pb.gz", path);
  Status saved = file ? write_all(file->get(), converters::encode_pprof_gz(p)) : fail(file.error());
  notes.push_back(saved ? "Saved profile in " + path : "Could not save profile: " + saved.error().text());
  return {};
}

struct Side {
  Result<SourcesRead> read;
  std::vector<std::string> notes;
};

Side read_side(const std::vector<std::string>& names, SourceOptions options, std::string_view kind) {
  Side side{SourcesRead(), {}};
  options.kind = kind;
  side.read = read_sources(expand_sources(names), options, side.notes);
  return side;
}

}  // namespace

Result<Fd> make_numbered_file(const std::string& directory, const std::string& prefix, const std::string& suffix,
                              std::string& path) {
  for (int number = 1; number < 10000; ++number) {
    char digits[8];
    std::snprintf(digits, sizeof digits, "%03d", number);
    path = (directory.empty() ? "" : directory + "/") + prefix + digits + suffix;
    auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (file || access(path.c_str(), F_OK) != 0) return file;
  }
  return fail(ErrorCode::kResourceExhausted, "could not create file of the form " + prefix + "001" + suffix);
}

Result<Profile> load_profile(PprofOptions& options, std::vector<std::string>& notes) {
  if (options.sources.size() > 1 && is_object_file(options.sources[0])) {
    options.source.executable = options.sources[0];
    options.sources.erase(options.sources.begin());
  }
  options.source.symbolize = wants_local_names(options.symbolize);
  // The base is fetched at the same time, so that both sides measure the same seconds.
  auto policy = std::launch::deferred;
  for (const std::string& name : options.bases)
    if (is_remote(name)) policy = std::launch::async;
  auto reading_base = std::async(policy, [&] { return read_side(options.bases, options.source, "base"); });
  Side side = read_side(options.sources, options.source, "source");
  Side base{SourcesRead(), {}};
  if (!options.bases.empty()) base = reading_base.get();
  notes.insert(notes.end(), side.notes.begin(), side.notes.end());
  notes.insert(notes.end(), base.notes.begin(), base.notes.end());
  if (!side.read) return fail(std::move(side.read).error());
  if (!base.read) return fail(std::move(base.read).error());
  Profile p = std::move(side.read->profile);
  if (!options.bases.empty()) {
    WF_ASSIGN(p, subtract_base(std::move(p), std::move(base.read->profile), options));
  }
  if (options.all_frames) p.drop_frames = p.keep_frames = 0;
  apply_symbolize(p, options.symbolize, notes);
  profile::prune_uninteresting(p);
  remove_url_mappings(p);
  if (!options.comment.empty()) p.comments.push_back(p.strings.intern(options.comment));
  if (side.read->remote || base.read->remote) WF_TRY(save_copy(p, notes));
  return p;
}

}  // namespace watchfire::cli
