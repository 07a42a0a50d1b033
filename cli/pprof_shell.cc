#include "cli/pprof_shell.h"

#include <algorithm>
#include <charconv>

#include "cli/go_text.h"
#include "cli/line_reader.h"
#include "cli/pprof_report.h"

namespace watchfire::cli {
namespace {

using profile::Profile;

constexpr std::string_view kComment = "//:";
constexpr size_t kNameWidth = 25, kValueWidth = 20;

Error usage(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

std::string_view type_name(const Profile& p, size_t i) {
  return p.text(p.sample_types[i].type);
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// A number as the shell takes it for nodecount.
bool is_count(std::string_view word, int& count) {
  if (word.starts_with("+-")) return false;
  if (word.starts_with('+')) word.remove_prefix(1);
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
  return error == std::errc() && end == word.data() + word.size();
}

void add_alternative(std::string& regex, std::string_view more) {
  if (!regex.empty() && !more.empty()) regex += '|';
  regex += more;
}

// The command of the first word; "top10" is cut into "top" and "10".
Result<const PprofCommand*> take_command(std::vector<std::string>& words) {
  if (const PprofCommand* c = find_pprof_command(words[0])) return c;
  std::string name = words[0];
  size_t digits = name.find_last_not_of("0123456789") + 1;
  if (digits > 0 && digits < name.size()) {
    words.insert(words.begin() + 1, name.substr(digits));
    words[0] = name = name.substr(0, digits);
    if (const PprofCommand* c = find_pprof_command(name)) return c;
  }
  if (find_config_field(name) != nullptr)
    return fail(usage("did you mean: " + name + "=" + (words.size() > 1 ? words[1] : "<val>")));
  return fail(usage("unrecognized command: " + go_quote(name)));
}

// What the words after a command say, put into a copy of the variables.
Status take_arguments(const PprofCommand& command, std::span<const std::string> words, PprofConfig& config) {
  std::string focus, ignore;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    int count = 0;
    if (is_count(word, count)) {
      config.report.node_count = count;
    } else if (word.starts_with('>')) {
      config.output = word.substr(1);
      if (!config.output.empty()) continue;
      if (++i == words.size()) return fail(usage("unexpected end of line after >"));
      config.output = words[i];
    } else if (word == "-cum" || word == "--cum") {
      config.sort = "cum";
    } else if (word.starts_with('-')) {
      add_alternative(ignore, word.substr(1));
    } else {
      add_alternative(focus, word);
    }
  }
  profile::Filters& f = config.report.filters;
  bool of_tags = command.name == "tags";
  if (!focus.empty()) (of_tags ? f.tagfocus : f.focus) = focus;
  if (!ignore.empty()) (of_tags ? f.tagignore : f.ignore) = ignore;
  if (config.report.node_count == -1 && (command.name == "text" || command.name == "top"))
    config.report.node_count = 10;
  return {};
}

std::string matching_name(std::string_view prefix) {
  std::string lower(prefix);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::vector<std::string_view> matches;
  for (const PprofCommand& c : pprof_commands())
    if (c.name.starts_with(lower)) matches.push_back(c.name);
  for (const ConfigField& f : config_fields()) {
    if (f.name.starts_with(lower)) matches.push_back(f.name);
    for (std::string_view choice : f.choices)
      if (choice.starts_with(lower)) matches.push_back(choice);
  }
  return matches.size() == 1 ? std::string(matches[0]) : "";
}

}  // namespace

PprofShell::PprofShell(Profile p, PprofConfig config, Output output)
    : profile_(std::move(p)), config_(std::move(config)), output_(std::move(output)) {
  config_.report.compact_labels = true;
}

void PprofShell::flush(std::vector<std::string>& notes) const {
  for (const std::string& note : notes) output_.print_error(note);
  notes.clear();
}

void PprofShell::greet() {
  profile::ReportOptions options = config_.report_options();
  options.filters = {};
  options.tagroot = options.tagleaf = "";
  options.relative_percentages = false;
  std::vector<std::string> notes;
  auto report = profile::Report::prepare(profile_, profile::ReportKind::kTop, options, "", notes);
  flush(notes);
  if (report) {
    std::string lines;
    for (const std::string& line : (*report)->profile_lines()) lines += (lines.empty() ? "" : "\n") + line;
    output_.print(lines);
    if ((*report)->total() == 0 && profile_.sample_types.size() > 1) {
      output_.print("There are no samples of the default type of values.");
      output_.print("Choose another one with sample_index=NAME; o lists their names.");
    }
  }
  output_.print("Reading commands (\"help\" lists them, \"o\" shows the variables)");
}

bool PprofShell::run_line(std::string_view line) {
  for (const std::string& command : expand(line))
    if (!run_command(command)) return false;
  return true;
}

std::vector<std::string> PprofShell::expand(std::string_view line) const {
  line = go_trim(line);
  if (line == ":") return {"focus=", "ignore=", "hide=", "tagfocus=", "tagignore="};
  for (size_t i = 0; i < profile_.sample_types.size(); ++i) {
    std::string type(type_name(profile_, i));
    std::string choose = "sample_index=" + type;
    if (line == type) return {choose};
    if (line == "total_" + type) return {"mean=0", choose};
    if (line == "mean_" + type) return {"mean=1", choose};
  }
  return {std::string(line)};
}

bool PprofShell::run_command(std::string_view line) {
  if (assign(line)) return true;
  std::vector<std::string> words = go_fields(line);
  if (words.empty()) return true;
  if (words[0] == "exit" || words[0] == "quit" || words[0] == "q") return false;
  if (words[0] == "o" || words[0] == "options")
    print_options();
  else if (words[0] == "help")
    print_help(words);
  else
    run_report(std::move(words));
  return true;
}

// Whether the line was about a variable, well or badly.
bool PprofShell::assign(std::string_view line) {
  size_t equal = line.find('=');
  std::string_view name = go_trim(line.substr(0, equal));
  const ConfigField* field = find_config_field(name);
  if (field == nullptr) return false;
  std::string value;
  if (equal != std::string_view::npos) {
    std::string_view text = line.substr(equal + 1);
    value = go_trim(text.substr(0, text.rfind(kComment)));
  } else if (field->name == name && !field->is_bool()) {
    output_.print_error("please specify a value, e.g. " + std::string(name) + "=<val>");
    return true;
  }
  if (name == "sample_index") {
    auto index = profile::sample_index(profile_, value);
    if (!index) return output_.print_error(index.error().message), true;
    value = type_name(profile_, *index);
  }
  Status done = configure(config_, name, value);
  if (!done) output_.print_error(done.error().message);
  return true;
}

void PprofShell::run_report(std::vector<std::string> words) {
  std::vector<std::string> notes;
  Status done = [&]() -> Status {
    WF_ASSIGN(const PprofCommand* command, take_command(words));
    std::string symbol;
    size_t rest = 1;
    if (command->takes_regex) {
      if (words.size() < 2) return fail(usage("command " + words[0] + " requires an argument"));
      symbol = words[rest++];
    }
    PprofConfig config = config_;
    WF_TRY(take_arguments(*command, std::span(words).subspan(rest), config));
    if (!command->refusal.empty()) return fail(refusal_of(*command, command->name));
    auto report = make_pprof_report(profile_, *command, symbol, config, notes);
    flush(notes);
    if (!report) return fail(std::move(report).error());
    return output_.deliver(*command, config.output, *report);
  }();
  flush(notes);
  if (!done) output_.print_error(done.error().text());
}

void PprofShell::print_options() const {
  std::vector<std::string> rows;
  for (const ConfigField& f : config_fields()) {
    if (f.name == "source_path") continue;
    std::string value = config_value(f, config_);
    std::vector<std::string_view> choices(f.choices.begin(), f.choices.end());
    std::string comment;
    if (!choices.empty()) {
      std::ranges::sort(choices);
      if (value.empty()) value = "(default)";
    } else if (f.name == "sample_index") {
      for (size_t i = 0; i < profile_.sample_types.size(); ++i) choices.push_back(type_name(profile_, i));
      if (value.empty() && !choices.empty()) value = choices.back();
    } else if (f.name == "nodecount" && value == "-1") {
      comment = "default";
    } else if (value.empty()) {
      value = "\"\"";
    }
    for (std::string_view choice : choices) comment += (comment.empty() ? "[" : " | ") + std::string(choice);
    if (!choices.empty()) comment += "]";
    if (!comment.empty()) comment = std::string(kComment) + " " + comment;
    rows.push_back("  " + padded(std::string(f.name), kNameWidth) + " = " + padded(value, kValueWidth) + " " + comment);
  }
  std::ranges::sort(rows);
  std::string text;
  for (const std::string& row : rows) text += (text.empty() ? "" : "\n") + row;
  output_.print(text);
}

void PprofShell::print_help(const std::vector<std::string>& words) const {
  if (words.size() == 1) return output_.print(command_and_variable_help(""));
  std::string name;
  for (size_t i = 1; i < words.size(); ++i) name += (i == 1 ? "" : " ") + words[i];
  std::string help = help_on(name);
  if (help.empty()) return output_.print_error("Unknown command: " + name);
  output_.print(help);
}

std::string PprofShell::complete(std::string_view line) const {
  std::vector<std::string> words = go_fields(line);
  if (words.empty()) return std::string(line);
  if (words.size() == 1 || (words.size() == 2 && words[0] == "help")) {
    std::string match = matching_name(words.back());
    if (match.empty()) return std::string(line);
    return words.size() == 1 ? match : "help " + match;
  }
  const PprofCommand* command = find_pprof_command(words[0]);
  if (command == nullptr || command->name == "tags") return std::string(line);
  bool negated = words.back().starts_with('-');
  std::string part = words.back().substr(negated ? 1 : 0), found;
  for (const profile::Function& f : profile_.functions) {
    std::string_view name = profile_.text(f.name);
    if (name.find(part) == std::string_view::npos || name == found) continue;
    if (!found.empty()) return std::string(line);
    found = name;
  }
  if (found.empty()) return std::string(line);
  words.back() = (negated ? "-" : "") + found;
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

Status run_pprof_shell(Profile p, PprofConfig config) {
  auto deliver = [](const PprofCommand& command, const std::string& output, std::string_view report) {
    return deliver_pprof_report(command, output, report, true);
  };
  PprofShell shell(std::move(p), std::move(config),
                   {.print = [](std::string_view text) { print_pprof_note(text, false); },
                    .print_error = [](std::string_view text) { print_pprof_note(text); },
                    .deliver = deliver});
  auto reader = make_line_reader("(pprof) ", [&](std::string_view line) { return shell.complete(line); });
  shell.greet();
  while (auto line = reader->next())
    if (!shell.run_line(*line)) break;
  return {};
}

}  // namespace watchfire::cli
