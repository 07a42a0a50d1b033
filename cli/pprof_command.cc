#include "cli/pprof_command.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/untrusted_text.h"
#include "cli/pprof_options.h"
#include "cli/profile_sources.h"
#include "converters/demangle_names.h"
#include "converters/pprof/encode.h"
#include "profile/prune.h"
#include "profile/report_print.h"
#include "profile/sample_edit.h"
#include "profile/scale.h"

namespace watchfire::cli {
namespace {

using profile::Profile;
using profile::Report;
using profile::ReportKind;

constexpr int kExitFailure = 2;

void print_note(std::string_view text) {
  (void)write_all(STDERR_FILENO, escape_terminal(text) + "\n");
}

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
  if (options.normalize) WF_TRY(profile::normalize(p, base));
  profile::scale_values(base, -1);
  std::vector<Profile> both;
  both.push_back(std::move(p));
  both.push_back(std::move(base));
  return combine(std::move(both));
}

/// -symbolize: only what concerns names; there is no symbolizing from binaries or over the network here.
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

Result<Profile> load(PprofOptions& options, std::vector<std::string>& notes) {
  SourceOptions source;
  source.build_id = options.build_id;
  if (options.sources.size() > 1 && is_object_file(options.sources[0])) {
    source.executable = options.sources[0];
    options.sources.erase(options.sources.begin());
  }
  auto read = read_sources(expand_sources(options.sources), source, notes);
  if (!read) return fail(read.error().with("problem fetching source profiles"));
  Profile p = *std::move(read);
  if (!options.bases.empty()) {
    auto base = read_sources(expand_sources(options.bases), source, notes);
    if (!base) return fail(base.error().with("problem fetching base profiles"));
    WF_ASSIGN(p, subtract_base(std::move(p), *std::move(base), options));
  }
  if (options.all_frames) p.drop_frames = p.keep_frames = 0;
  apply_symbolize(p, options.symbolize, notes);
  profile::prune_uninteresting(p);
  remove_url_mappings(p);
  if (!options.comment.empty()) p.comments.push_back(p.strings.intern(options.comment));
  return p;
}

Result<std::string> print(Report& r) {
  switch (r.kind()) {
    case ReportKind::kTop:
      return print_top(r);
    case ReportKind::kTree:
    case ReportKind::kPeek:
      return print_tree(r);
    case ReportKind::kList:
      return print_list(r);
    case ReportKind::kTraces:
      return print_traces(r);
    case ReportKind::kTags:
      return print_tags(r);
    case ReportKind::kRaw:
      return print_raw(r);
    case ReportKind::kComments:
      return print_comments(r);
    case ReportKind::kDot:
      return print_dot(r);
    case ReportKind::kCallgrind:
      return print_callgrind(r);
    case ReportKind::kProto:
      return converters::encode_pprof_gz(proto_report(r));
    case ReportKind::kTopProto:
      return converters::encode_pprof_gz(topproto_report(r));
  }
  return fail(ErrorCode::kInternal, "unknown report");
}

Status write_output(const std::string& path, std::string_view text) {
  if (path.empty()) return write_all(STDOUT_FILENO, text);
  print_note("Generating report in " + path);
  WF_ASSIGN(Fd file, open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  return write_all(file.get(), text);
}

}  // namespace

Result<std::string> pprof_report(std::span<const std::string_view> words, std::string& output,
                                 std::vector<std::string>& notes) {
  WF_ASSIGN(PprofOptions options, parse_pprof_options(words, notes));
  output = options.output;
  WF_ASSIGN(Profile p, load(options, notes));
  WF_ASSIGN(auto report, Report::prepare(std::move(p), options.kind, options.report, options.symbol, notes));
  return print(*report);
}

int run_pprof(std::span<const std::string_view> words) {
  std::vector<std::string> notes;
  std::string output;
  auto text = pprof_report(words, output, notes);
  for (const std::string& note : notes) print_note(note);
  Status status = text ? write_output(output, *text) : fail(text.error());
  if (status) return 0;
  if (status.error().code == ErrorCode::kCancelled) {
    (void)write_all(STDOUT_FILENO, pprof_usage());
    return 0;
  }
  print_note("watchfire pprof: " + status.error().text());
  return kExitFailure;
}

}  // namespace watchfire::cli
