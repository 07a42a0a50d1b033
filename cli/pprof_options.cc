#include "cli/pprof_options.h"

#include <array>

#include "cli/go_flags.h"

namespace watchfire::cli {
namespace {

using profile::Granularity;
using profile::ReportKind;

struct Format {
  std::string_view name;
  ReportKind kind;
  bool takes_regex;
};
constexpr Format kFormats[] = {{"top", ReportKind::kTop, false},          {"text", ReportKind::kTop, false},
                               {"tree", ReportKind::kTree, false},        {"peek", ReportKind::kPeek, true},
                               {"list", ReportKind::kList, true},         {"traces", ReportKind::kTraces, false},
                               {"tags", ReportKind::kTags, false},        {"raw", ReportKind::kRaw, false},
                               {"dot", ReportKind::kDot, false},          {"callgrind", ReportKind::kCallgrind, false},
                               {"proto", ReportKind::kProto, false},      {"topproto", ReportKind::kTopProto, false},
                               {"comments", ReportKind::kComments, false}};

struct Refusal {
  std::string_view name;
  bool takes_value;
  std::string_view instead;
};
constexpr std::string_view kDraw = "write -dot and draw it with graphviz";
constexpr Refusal kRefused[] = {
    {"gif", false, kDraw},
    {"pdf", false, kDraw},
    {"png", false, kDraw},
    {"ps", false, kDraw},
    {"svg", false, kDraw},
    {"eog", false, kDraw},
    {"evince", false, kDraw},
    {"gv", false, kDraw},
    {"web", false, kDraw},
    {"kcachegrind", false, "write -callgrind and open it there"},
    {"disasm", true, "use -list for source lines"},
    {"weblist", true, "use -list for source lines"},
    {"http", true, "the daemon serves a page of its own"},
};

struct Choice {
  std::string_view name;
  Granularity granularity;
};
constexpr Choice kGranularities[] = {{"functions", Granularity::kFunctions},
                                     {"filefunctions", Granularity::kFileFunctions},
                                     {"files", Granularity::kFiles},
                                     {"lines", Granularity::kLines},
                                     {"addresses", Granularity::kAddresses}};

/// Flags that stand for a -sample_index.
struct IndexShortcut {
  std::string_view name;
  std::string_view type;
};
constexpr IndexShortcut kShortcuts[] = {{"total_delay", "delay"},           {"mean_delay", "delay"},
                                        {"contentions", "contentions"},     {"inuse_space", "inuse_space"},
                                        {"inuse_objects", "inuse_objects"}, {"alloc_space", "alloc_space"},
                                        {"alloc_objects", "alloc_objects"}};

/// The variables behind all flags.
class Parser {
 public:
  Parser() {
    profile::ReportOptions& r = options_.report;
    profile::Filters& f = r.filters;
    for (auto& [name, target] :
         std::initializer_list<std::pair<const char*, std::string*>>{{"focus", &f.focus},
                                                                     {"ignore", &f.ignore},
                                                                     {"hide", &f.hide},
                                                                     {"show", &f.show},
                                                                     {"show_from", &f.show_from},
                                                                     {"prune_from", &f.prune_from},
                                                                     {"tagfocus", &f.tagfocus},
                                                                     {"tagignore", &f.tagignore},
                                                                     {"tagshow", &f.tagshow},
                                                                     {"taghide", &f.taghide},
                                                                     {"tagroot", &r.tagroot},
                                                                     {"tagleaf", &r.tagleaf},
                                                                     {"unit", &r.unit},
                                                                     {"sample_index", &r.sample_index},
                                                                     {"source_path", &r.source_path},
                                                                     {"trim_path", &r.trim_path},
                                                                     {"output", &options_.output},
                                                                     {"symbolize", &options_.symbolize},
                                                                     {"buildid", &options_.build_id},
                                                                     {"add_comment", &options_.comment},
                                                                     {"tools", &ignored_text_}}) {
      flags_.add(name, target);
    }
    for (auto& [name, target] :
         std::initializer_list<std::pair<const char*, bool*>>{{"call_tree", &r.call_tree},
                                                              {"relative_percentages", &r.relative_percentages},
                                                              {"compact_labels", &r.compact_labels},
                                                              {"intel_syntax", &ignored_flag_},
                                                              {"mean", &r.mean},
                                                              {"normalize", &options_.normalize},
                                                              {"drop_negative", &r.drop_negative},
                                                              {"trim", &r.trim},
                                                              {"noinlines", &r.no_inlines},
                                                              {"showcolumns", &r.show_columns},
                                                              {"all_frames", &options_.all_frames},
                                                              {"no_browser", &no_browser_},
                                                              {"cum", &cum_},
                                                              {"flat", &flat_}}) {
      flags_.add(name, target);
    }
    flags_.add("nodecount", &r.node_count);
    flags_.add("nodefraction", &r.node_fraction);
    flags_.add("edgefraction", &r.edge_fraction);
    flags_.add("divide_by", &r.divide_by);
    flags_.add("seconds", &ignored_number_);
    flags_.add("timeout", &ignored_number_);
    flags_.add("base", &bases_);
    flags_.add("diff_base", &diff_bases_);
    add_tables();
  }

  Result<PprofOptions> run(std::span<const std::string_view> words, std::vector<std::string>& notes) {
    WF_ASSIGN(options_.sources, flags_.parse(words));
    WF_TRY(refuse_unsupported());
    if (options_.sources.empty()) return fail(ErrorCode::kInvalidArgument, "no profile source specified");
    WF_TRY(take_choices());
    WF_TRY(take_format());
    take_shortcuts(notes);
    WF_TRY(take_bases());
    return std::move(options_);
  }

 private:
  void add_tables() {
    for (size_t i = 0; i < std::size(kFormats); ++i) {
      std::string name(kFormats[i].name);
      if (kFormats[i].takes_regex) {
        flags_.add(name, &format_regex_[i]);
      } else {
        flags_.add(name, &format_set_[i]);
      }
    }
    for (size_t i = 0; i < std::size(kRefused); ++i) {
      std::string name(kRefused[i].name);
      if (kRefused[i].takes_value) {
        flags_.add(name, &refused_value_[i]);
      } else {
        flags_.add(name, &refused_set_[i]);
      }
    }
    for (size_t i = 0; i < std::size(kGranularities); ++i) {
      flags_.add(std::string(kGranularities[i].name), &granularity_set_[i]);
    }
    for (size_t i = 0; i < std::size(kShortcuts); ++i) flags_.add(std::string(kShortcuts[i].name), &shortcut_set_[i]);
  }

  Status refuse_unsupported() const {
    for (size_t i = 0; i < std::size(kRefused); ++i) {
      if (!refused_set_[i] && refused_value_[i].empty()) continue;
      return fail(Error(ErrorCode::kUnsupported, "-" + std::string(kRefused[i].name) + " is not supported")
                      .hinted(std::string(kRefused[i].instead)));
    }
    if (no_browser_) return fail(ErrorCode::kInvalidArgument, "-no_browser only makes sense with -http");
    return {};
  }

  Status take_choices() {
    if (cum_ && flat_) return fail(ErrorCode::kInvalidArgument, "conflicting options set: [cum flat]");
    options_.report.cum_sort = cum_;
    std::string set;
    for (size_t i = 0; i < std::size(kGranularities); ++i) {
      if (!granularity_set_[i]) continue;
      if (!set.empty()) {
        return fail(ErrorCode::kInvalidArgument,
                    "conflicting options set: [" + set + " " + std::string(kGranularities[i].name) + "]");
      }
      set = kGranularities[i].name;
      options_.report.granularity = kGranularities[i].granularity;
    }
    return {};
  }

  Status take_format() {
    bool found = false;
    for (size_t i = 0; i < std::size(kFormats); ++i) {
      if (!format_set_[i] && format_regex_[i].empty()) continue;
      if (found) return fail(ErrorCode::kInvalidArgument, "must set at most one output format");
      found = true;
      options_.kind = kFormats[i].kind;
      options_.symbol = format_regex_[i];
    }
    if (found) return {};
    return fail(Error(ErrorCode::kUnsupported, "the interactive shell is not supported")
                    .hinted("name a report, such as -top, -tree or -peek=REGEX"));
  }

  void take_shortcuts(std::vector<std::string>& notes) {
    std::string& index = options_.report.sample_index;
    for (size_t i = 0; i < std::size(kShortcuts); ++i) {
      if (!shortcut_set_[i]) continue;
      if (index.empty()) {
        index = kShortcuts[i].type;
      } else {
        notes.push_back("Multiple value selections, ignoring -" + std::string(kShortcuts[i].name));
      }
      if (kShortcuts[i].name == "mean_delay") options_.report.mean = true;
    }
  }

  Status take_bases() {
    std::erase(bases_, "");
    std::erase(diff_bases_, "");
    if (!bases_.empty() && !diff_bases_.empty()) {
      return fail(ErrorCode::kInvalidArgument, "-base and -diff_base flags cannot both be specified");
    }
    options_.diff_base = !diff_bases_.empty();
    options_.bases = options_.diff_base ? diff_bases_ : bases_;
    if (options_.normalize && options_.bases.empty()) {
      return fail(ErrorCode::kInvalidArgument, "must have base profile to normalize by");
    }
    return {};
  }

  PprofOptions options_;
  GoFlags flags_;
  std::array<bool, std::size(kFormats)> format_set_{};
  std::array<std::string, std::size(kFormats)> format_regex_;
  std::array<bool, std::size(kRefused)> refused_set_{};
  std::array<std::string, std::size(kRefused)> refused_value_;
  std::array<bool, std::size(kGranularities)> granularity_set_{};
  std::array<bool, std::size(kShortcuts)> shortcut_set_{};
  std::vector<std::string> bases_;
  std::vector<std::string> diff_bases_;
  bool cum_ = false;
  bool flat_ = false;
  bool no_browser_ = false;
  bool ignored_flag_ = false;
  int ignored_number_ = -1;
  std::string ignored_text_;
};

}  // namespace

Result<PprofOptions> parse_pprof_options(std::span<const std::string_view> words, std::vector<std::string>& notes) {
  return Parser().run(words, notes);
}

std::string_view pprof_usage() {
  return "usage: watchfire pprof FORMAT [OPTION]... [BINARY] SOURCE...\n"
         "\n"
         "Reports on profiles the way `go tool pprof` does, with its flags and its output.\n"
         "A source is a profile file or a pattern such as 'dir/*.pb.gz'; several are merged.\n"
         "\n"
         "Formats:  -top -text -tree -peek=REGEX -list=REGEX -traces -tags -raw -comments\n"
         "          -dot -callgrind -proto -topproto\n"
         "Values:   -sample_index=TYPE -mean -unit=UNIT -divide_by=N -normalize\n"
         "Frames:   -functions -filefunctions -files -lines -addresses -noinlines -showcolumns\n"
         "Filters:  -focus -ignore -hide -show -show_from -prune_from=REGEX\n"
         "          -tagfocus -tagignore -tagshow -taghide=REGEX -tagroot -tagleaf=KEYS\n"
         "Size:     -nodecount=N -nodefraction=F -edgefraction=F -trim=false -call_tree -cum -flat\n"
         "Compare:  -base=SOURCE -diff_base=SOURCE -drop_negative -relative_percentages\n"
         "Other:    -output=FILE -symbolize=none -source_path -trim_path -buildid -add_comment -all_frames\n";
}

}  // namespace watchfire::cli
