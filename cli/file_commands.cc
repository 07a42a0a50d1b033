#include "cli/file_commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "base/json_writer.h"
#include "cli/flame_command.h"
#include "cli/profile_info.h"
#include "cli/profile_input.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "converters/demangle_names.h"
#include "converters/folded/encode.h"
#include "converters/pgo/encode.h"
#include "converters/pprof/encode.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

constexpr std::string_view kFormats[] = {"pprof", "folded", "flamegraph", "html", "callgrind", "dot", "pgo", "json"};
constexpr size_t kMaxBytes = size_t{4} << 30;

Result<std::string> convert(const Profile& p, const std::string& format, const ProfileInput& input,
                            const std::string& title) {
  profile::ReportParams params = input.params();
  params["sample_index"] = input.type;
  if (format == "pprof") return converters::encode_pprof_gz(p);
  if (format == "pgo") return converters::encode_pgo(p);
  if (format == "json") return profile::report_json(p, "tree", params);
  if (format == "callgrind" || format == "dot") return profile::report_text(p, format, params);
  if (format == "flamegraph" || format == "html")
    return draw_flame(p, nullptr, {.html = format == "html", .title = title, .type = input.type});
  WF_ASSIGN(size_t column, profile::sample_index(p, input.type));
  return converters::encode_folded(p, column);
}

Result<std::string> filtered_and_converted(Profile& p, const std::string& format, const ProfileInput& input,
                                           const std::string& title) {
  bool filters_itself = format == "callgrind" || format == "dot" || format == "json";
  if (!filters_itself) WF_TRY(filter_samples(p, input.params()));
  return convert(p, format, input, title);
}

/// What was written, for --json.
int report_written(const ProfileInput& input, const Profile& p, const std::string& bytes) {
  if (int code = input.write(bytes); code != kExitGood || !input.common.json) return code;
  JsonWriter w;
  w.begin_object().field("output", input.output).field("bytes", uint64_t{bytes.size()});
  w.field("samples", uint64_t{p.sample_count()}).end_object();
  if (!input.output.empty() && input.output != "-") print_bytes(w.release() + "\n");
  return kExitGood;
}

/// "COMM-PID", made of characters that are safe in a file's name.
std::string process_file_name(const converters::PerfProcess& process) {
  std::string name = process.comm.empty() ? "process" : process.comm.substr(0, 64);
  for (char& c : name) {
    auto lower = static_cast<char>(c | 0x20);
    bool safe = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (!safe) c = '_';
  }
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
  return name + "-" + std::to_string(process.pid);
}

std::string suffix_of(const std::string& format) {
  if (format == "pprof") return ".pb.gz";
  if (format == "flamegraph") return ".svg";
  return "." + format;
}

/// A file a process in the directory --output; those the filters leave empty get none.
int convert_processes(const ProfileInput& input, const std::string& format) {
  auto options = input.source_options();
  if (!options) return print_error(options.error());
  auto processes = read_processes(input.files[0], *options);
  if (!processes) return print_error(processes.error());
  if (Status made = make_directories(input.output); !made) return print_file_error(made.error());
  JsonWriter w;
  w.begin_array();
  std::vector<std::vector<std::string>> rows = {{"file", "samples"}};
  for (converters::PerfProcess& process : *processes) {
    converters::demangle_names(process.profile, converters::DemangleMode::kDefault, false);
    std::string name = process_file_name(process);
    auto bytes = filtered_and_converted(process.profile, format, input, name);
    if (!bytes) return print_error(bytes.error());
    if (process.profile.sample_count() == 0) continue;
    std::string path = input.output + "/" + name + suffix_of(format);
    if (Status written = write_output(path, *bytes); !written) return print_file_error(written.error());
    w.begin_object().field("output", path).field("comm", process.comm).field("pid", uint64_t{process.pid});
    w.field("samples", uint64_t{process.profile.sample_count()}).end_object();
    rows.push_back({path, std::to_string(process.profile.sample_count())});
  }
  if (rows.size() == 1) return print_error(Error(ErrorCode::kNotFound, "no process has samples"));
  if (input.common.json)
    print_bytes(w.end_array().release() + "\n");
  else
    print_untrusted(aligned(rows));
  return kExitGood;
}

/// The format of a file that is named alone; "" for everything else.
std::string format_of_file(const std::vector<std::string>& files) {
  struct stat st{};
  if (files.size() != 1 || stat(files[0].c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return "";
  auto bytes = read_file(files[0], kMaxBytes);
  return bytes ? format_of(*bytes) : "";
}

}  // namespace

int run_info(Words words) {
  CLI::App app("What is in a profile, and what is missing from it", "watchfire info");
  ProfileInput input;
  input.add_sources(app, "profiles: files, URLs, - ; without any, the daemon's store is asked");
  input.add_output(app);
  return run_app(app, words, [&] {
    auto p = input.load(input.files);
    if (!p) return print_error(p.error());
    std::string format = format_of_file(input.files);
    return input.common.json ? input.write(info_json(*p, format) + "\n") : input.show(info_text(*p, format));
  });
}

int run_merge(Words words) {
  CLI::App app("Several profiles as one", "watchfire merge");
  ProfileInput input;
  input.add_sources(app, "profiles: files, patterns, URLs, store:SELECTOR@RANGE");
  app.get_option("FILES")->required();
  input.add_output(app);
  return run_app(app, words, [&] {
    if (would_fill_terminal(input.output)) return refuse_terminal();
    auto p = input.load(input.files);
    if (!p) return print_error(p.error());
    return report_written(input, *p, converters::encode_pprof_gz(*p));
  });
}

int run_convert(Words words) {
  CLI::App app("Profiles in another format; several are merged", "watchfire convert");
  ProfileInput input;
  std::string format;
  bool per_process = false;
  input.add_sources(app, "profiles: files, patterns, URLs, store:SELECTOR@RANGE");
  app.get_option("FILES")->required();
  input.add_filters(app);
  input.add_output(app);
  std::vector<std::string> formats(std::begin(kFormats), std::end(kFormats));
  app.add_option("--to", format,
                 "pprof, folded, flamegraph (SVG), html (a flame graph to explore), callgrind, dot, pgo (Go's "
                 "default.pgo) or json")
      ->required()
      ->check(CLI::IsMember(formats));
  app.add_flag("--per-process", per_process, "of a perf.data file, a file a process, COMM-PID, in directory --output");
  return run_app(app, words, [&] {
    if (per_process && (input.files.size() != 1 || input.output.empty())) {
      print_error(Error(ErrorCode::kInvalidArgument, "--per-process takes one file, and --output names a directory"));
      return kExitUsage;
    }
    if (per_process) return convert_processes(input, format);
    if (format == "pprof" || format == "pgo") {
      if (would_fill_terminal(input.output)) return refuse_terminal();
    }
    auto p = format == "pprof" ? input.load(input.files) : input.load_for_report(input.files);
    if (!p) return print_error(p.error());
    bool was_empty = p->sample_count() == 0;
    auto bytes = [&] {
      Progress progress("writing " + format);
      return filtered_and_converted(*p, format, input, input.files[0]);
    }();
    if (!bytes) return print_error(bytes.error());
    int code = report_written(input, *p, *bytes);
    return code == kExitGood && !was_empty && p->sample_count() == 0 ? kExitNothing : code;
  });
}

}  // namespace watchfire::cli
