#include "cli/compare_command.h"

#include <dirent.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "agent/compare/render.h"
#include "base/fd.h"
#include "cli/limit_flags.h"
#include "cli/profile_input.h"
#include "cli/profile_sources.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "converters/demangle_names.h"
#include "converters/file_query.h"

namespace watchfire::cli {
namespace {

constexpr size_t kMaxProfiles = 1000;
constexpr size_t kMaxWidth = 120;

struct Compare {
  std::vector<std::string> paths;
  std::string pattern{agent::NamePattern::kDefault};
  std::string rules_file, output;
  bool json = false, html = false;
  agent::CompareOptions options;
  agent::RenderOptions render;
  LimitFlags limits;
};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// The regular files directly in a directory, by name.
Result<std::vector<std::string>> files_in(const std::string& directory) {
  std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (!dir) return fail(system_error(errno, "reading " + directory));
  std::vector<std::string> out;
  while (const dirent* entry = readdir(dir.get())) {
    std::string path = directory + (directory.ends_with('/') ? "" : "/") + entry->d_name;
    struct stat st{};
    if (entry->d_name[0] != '.' && stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode)) out.push_back(path);
  }
  std::ranges::sort(out);
  return out;
}

/// A file that follows the pattern, or one that was named by itself: that is an implementation of its own.
struct Found {
  std::string path;
  agent::ProfileName name;
};

Result<std::vector<Found>> find_profiles(const Compare& c, std::vector<std::string>& notes) {
  WF_ASSIGN(agent::NamePattern pattern, agent::NamePattern::compile(c.pattern));
  std::vector<Found> found;
  for (const std::string& path : expand_sources(c.paths)) {
    struct stat st{};
    bool is_directory = stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
    std::vector<std::string> files = {path};
    if (is_directory) {
      WF_ASSIGN(files, files_in(path));
    }
    for (const std::string& file : files) {
      if (auto name = pattern.read(base_name(file)))
        found.push_back({file, *name});
      else if (is_directory)
        notes.push_back(file + " is left out: its name does not follow " + pattern.text());
      else
        found.push_back({file, {base_name(file), "", "", ""}});
    }
  }
  if (found.empty())
    return fail(
        Error(ErrorCode::kNotFound, "no profile's name follows " + pattern.text()).hinted("set it with --pattern"));
  if (found.size() > kMaxProfiles)
    return fail(ErrorCode::kResourceExhausted, std::to_string(found.size()) +
                                                   " profiles are more than can be compared (" +
                                                   std::to_string(kMaxProfiles) + ")");
  return found;
}

/// Reads what is wanted, one after the other. One that can't be read is a note; it is an error when none can.
Status add_profiles(const Compare& c, const std::vector<Found>& found, agent::Comparer& comparer,
                    std::vector<std::string>& notes) {
  SourceOptions options;
  WF_ASSIGN(options.limits, c.limits.limits());
  size_t max_bytes = std::max(options.limits.compressed_bytes, options.limits.decompressed_bytes);
  Progress progress("reading " + std::to_string(found.size()) + " profiles");
  size_t wanted = 0, failed = 0;
  Error last;
  for (const Found& f : found) {
    if (!comparer.wants(f.name)) continue;
    ++wanted;
    auto bytes = read_file(f.path, max_bytes);
    auto p = bytes ? decode_source(*bytes, options) : fail(bytes.error());
    if (!p) {
      ++failed;
      last = p.error();
      notes.push_back(f.path + " is left out: " + last.text());
      continue;
    }
    converters::demangle_names(*p, converters::DemangleMode::kDefault, false);
    converters::name_cpu_time(*p);
    comparer.add({f.name, *std::move(p)});
  }
  if (wanted > 0 && failed == wanted) {
    last.code = ErrorCode::kInvalidArgument;  // whatever became of the files: nothing was looked for in them
    return fail(std::move(last).with("no profile can be read"));
  }
  return {};
}

Result<agent::Comparison> compare(const Compare& c) {
  auto rules = c.rules_file.empty() ? agent::RuleSet::built_in() : agent::RuleSet::load(c.rules_file);
  if (!rules) return fail(std::move(rules).error());
  std::vector<std::string> notes;
  WF_ASSIGN(std::vector<Found> found, find_profiles(c, notes));
  agent::Comparer comparer(**rules, c.options);
  WF_TRY(add_profiles(c, found, comparer, notes));
  WF_ASSIGN(agent::Comparison comparison, comparer.finish());
  comparison.notes.insert(comparison.notes.begin(), notes.begin(), notes.end());
  return comparison;
}

int show(const Compare& c, const agent::Comparison& comparison) {
  std::string bytes = c.json   ? agent::comparison_json(comparison, c.render) + "\n"
                      : c.html ? agent::comparison_html(comparison, c.render)
                               : agent::comparison_text(comparison, c.render);
  if (c.output.empty() || c.output == "-") return print_bytes(bytes), kExitGood;
  Status written = write_output(c.output, bytes);
  return written ? kExitGood : print_file_error(written.error());
}

}  // namespace

int run_compare(Words words) {
  CLI::App app("Profiles of one job done in several ways, ranked and explained", "watchfire compare");
  Compare c;
  app.add_option("FILES", c.paths, "profiles, patterns, or directories of them")->required();
  app.add_option("--pattern", c.pattern,
                 "how names are read: {impl}, {phase}, {kind}, {run}, [] for what may be missing, *")
      ->capture_default_str();
  app.add_option("--phase", c.options.phase, "only this phase");
  app.add_option("--kind", c.options.kind, "only this kind of profile, as names say it");
  app.add_option("--type", c.options.type, "the sample type to compare: inuse_space, samples ...");
  app.add_option("--min-samples", c.options.min_samples, "mark places with fewer samples")->capture_default_str();
  app.add_option("--rows", c.render.rows, "rows of a matrix at most")->capture_default_str();
  app.add_option("--rules", c.rules_file, "YAML with components and libraries, instead of what is built in");
  auto* json = app.add_flag("--json", c.json, "machine-readable");
  app.add_flag("--html", c.html, "one page for a browser")->excludes(json);
  app.add_option("--output,-o", c.output, "write to this file instead of standard output");
  c.limits.add_to(app);
  return run_app(app, words, [&] {
    if (size_t width = terminal_width(); width > 0) {
      c.render.width = std::min(width, kMaxWidth);
      if (c.output.empty()) c.render.matrix_width = width;
    }
    auto comparison = compare(c);
    return comparison ? show(c, *comparison) : print_error(comparison.error());
  });
}

}  // namespace watchfire::cli
