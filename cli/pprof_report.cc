#include "cli/pprof_report.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/untrusted_text.h"
#include "cli/pprof_load.h"
#include "cli/terminal.h"
#include "converters/pprof/encode.h"
#include "profile/report_print.h"

namespace watchfire::cli {
namespace {

using profile::Report;
using profile::ReportKind;

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
      return profile::collect_text([&](const profile::TextSink& sink) { print_traces(r, sink); });
    case ReportKind::kTags:
      return print_tags(r);
    case ReportKind::kRaw:
      return profile::collect_text([&](const profile::TextSink& sink) { print_raw(r, sink); });
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

/// Where a report goes: a file, or stdout, there escaped when it is a terminal.
struct Destination {
  Fd file;
  bool escaped = false;

  Status write(std::string_view text) const {
    if (!escaped) return write_all(file ? file.get() : STDOUT_FILENO, text);
    print_untrusted(text);
    return {};
  }
};

Result<Destination> open_destination(const PprofCommand& command, const std::string& output, bool in_shell) {
  Destination d;
  bool on_terminal = isatty(STDOUT_FILENO) == 1;
  if (!output.empty()) {
    print_pprof_note("Generating report in " + output);
    WF_ASSIGN(d.file, open_file(output, O_WRONLY | O_CREAT | O_TRUNC, 0666));
  } else if (!command.file_suffix.empty() && (on_terminal || in_shell)) {
    std::string path;
    WF_ASSIGN(d.file, make_numbered_file("", "profile", "." + std::string(command.file_suffix), path));
    print_pprof_note("Generating report in " + path);
  } else {
    d.escaped = on_terminal;
  }
  return d;
}

}  // namespace

Result<std::string> make_pprof_report(profile::Profile p, const PprofCommand& command, const std::string& symbol,
                                      const PprofConfig& config, std::vector<std::string>& notes) {
  WF_ASSIGN(auto report, Report::prepare(std::move(p), command.kind, config.report_options(), symbol, notes));
  return print(*report);
}

Status deliver_pprof_report(const PprofCommand& command, const std::string& output, std::string_view report,
                            bool in_shell) {
  WF_ASSIGN(Destination destination, open_destination(command, output, in_shell));
  return destination.write(report);
}

Status print_pprof_report(profile::Profile p, const PprofCommand& command, const std::string& symbol,
                          const PprofConfig& config, std::vector<std::string>& notes) {
  WF_ASSIGN(auto report, Report::prepare(std::move(p), command.kind, config.report_options(), symbol, notes));
  bool traces = command.kind == ReportKind::kTraces;
  if (!traces && command.kind != ReportKind::kRaw) {
    WF_ASSIGN(std::string text, print(*report));
    return deliver_pprof_report(command, config.output, text, false);
  }
  WF_ASSIGN(Destination destination, open_destination(command, config.output, false));
  Status written;
  auto sink = [&](std::string_view piece) {
    written = destination.write(piece);
    return written.has_value();
  };
  if (traces)
    print_traces(*report, sink);
  else
    print_raw(*report, sink);
  return written;
}

void print_pprof_note(std::string_view text, bool is_error) {
  std::string line = escape_lines(text);
  if (!line.ends_with('\n')) line += '\n';
  if (is_error && isatty(STDERR_FILENO) == 1 && color_wanted("auto")) line = "\033[31m" + line + "\033[0m";
  (void)write_all(STDERR_FILENO, line);
}

}  // namespace watchfire::cli
