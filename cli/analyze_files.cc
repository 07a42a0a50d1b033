#include "cli/analyze_files.h"

#include "agent/analyst/analyst.h"
#include "cli/profile_sources.h"
#include "cli/terminal.h"
#include "converters/file_query.h"
#include "findings/render.h"

namespace watchfire::cli {
namespace {

// Two slots of time that no profile outgrows; the analyst only compares them.
constexpr DurationNs kSlot = 10 * 365 * 24 * kHour;
constexpr TimeRange kBase{0, kSlot};
constexpr TimeRange kNow{kSlot, 2 * kSlot};

Result<findings::Digest> analyze(const AnalyzeFiles& o) {
  WF_ASSIGN(agent::Analyst analyst, agent::Analyst::create(o.rules_file));
  std::vector<std::string> notes;
  SourceOptions options;
  options.say = [&](std::string_view line) { notes.emplace_back(line); };
  converters::FileQuery query(options.limits, [&](std::string_view bytes) { return decode_source(bytes, options); });
  WF_TRY(query.add(o.files, kNow, notes));
  agent::AnalystRequest request;
  request.range = kNow;
  request.service = o.service;
  request.files = [&](const profile::Selector& s, TimeRange range) { return query.files(s, range); };
  if (!o.base.empty()) {
    WF_TRY(query.add(o.base, kBase, notes));
    request.base = kBase;
  }
  WF_ASSIGN(findings::Digest digest, analyst.analyze(query, request));
  digest.created = now_ns();
  digest.range = {};
  digest.host = "files";
  digest.notes.insert(digest.notes.begin(), notes.begin(), notes.end());
  return digest;
}

}  // namespace

int analyze_files(const AnalyzeFiles& options) {
  auto digest = analyze(options);
  if (!digest) return print_error(digest.error());
  if (options.json)
    print_bytes(findings::digest_json(*digest) + "\n");
  else if (options.markdown)
    print_untrusted(findings::digest_markdown(*digest));
  else
    print_untrusted(findings::digest_text(*digest));
  return kExitGood;
}

}  // namespace watchfire::cli
